-- Of these chunks those that are of a project, with their documents.
SELECT c.id, c."documentId", d.name, c.place, c.content
  FROM chunks c
  JOIN documents d ON d.id = c."documentId"
 WHERE c.id = ANY (%(ids)s) AND d."projectId" = %(project)s
