-- The chunks of a project that hold a text as it stands, large and small letters taken as the same.
SELECT c.id, c."documentId", d.name, c.place, c.content
  FROM documents d
  JOIN chunks c ON c."documentId" = d.id
 WHERE d."projectId" = %(project)s AND position(lower(%(text)s) IN lower(c.content)) > 0
 ORDER BY c."documentId", c.place
 LIMIT %(limit)s
