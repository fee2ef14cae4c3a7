-- The lines of a project's documents that are like a pattern, for each document that has a name.
SELECT d.id, d.name, array_remove(array_agg(DISTINCT line.words[1]), NULL) AS lines
  FROM documents d
  JOIN chunks c ON c."documentId" = d.id
  LEFT JOIN LATERAL regexp_matches(c.content, %(pattern)s, 'gn') AS line (words) ON true
 WHERE d."projectId" = %(project)s AND d.name IS NOT NULL
 GROUP BY d.id, d.name
 ORDER BY d.id
 LIMIT %(limit)s
