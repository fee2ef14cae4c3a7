-- The chunks nearest to a vector, by their angle; pgvector computes it.
SELECT c.id, 1 - (CAST(c.embedding AS vector) <=> CAST(CAST(%(vector)s AS real[]) AS vector)) AS similarity
  FROM documents d
  JOIN chunks c ON c."documentId" = d.id
 WHERE d.embedder = %(embedder)s AND d.dimensions = cardinality(CAST(%(vector)s AS real[]))
   AND (CAST(%(project)s AS text) IS NULL OR d."projectId" = %(project)s)
 ORDER BY CAST(c.embedding AS vector) <=> CAST(CAST(%(vector)s AS real[]) AS vector), c.id
 LIMIT %(limit)s
