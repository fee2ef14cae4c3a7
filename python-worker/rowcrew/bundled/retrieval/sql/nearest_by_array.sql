-- The chunks nearest to a vector, by their angle: of two vectors of length one the product is its cosine.
SELECT c.id, near.similarity
  FROM documents d
  JOIN chunks c ON c."documentId" = d.id
 CROSS JOIN LATERAL (
       SELECT sum(CAST(a AS float8) * b) AS similarity FROM unnest(c.embedding, CAST(%(vector)s AS real[])) AS pair (a, b)) AS near
 WHERE d.embedder = %(embedder)s AND d.dimensions = cardinality(CAST(%(vector)s AS real[]))
   AND (CAST(%(project)s AS text) IS NULL OR d."projectId" = %(project)s)
 ORDER BY near.similarity DESC, c.id
 LIMIT %(limit)s
