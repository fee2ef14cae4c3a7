-- Some chunks of a document of a project, in their order.
SELECT c.id, c."documentId", d.name, c.place, c.content
  FROM documents d
  JOIN chunks c ON c."documentId" = d.id
 WHERE d."projectId" = %(project)s AND d.id = %(document_id)s AND c.place >= %(place)s
 ORDER BY c.place
 LIMIT %(limit)s
