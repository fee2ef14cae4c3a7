-- The chunks of these ids, with the documents that they are of.
SELECT c.id, c."documentId", d."projectId", d.name, c.place, c.content
  FROM chunks c
  JOIN documents d ON d.id = c."documentId"
 WHERE c.id = ANY (%(ids)s)
