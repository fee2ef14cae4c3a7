-- What embedded the documents that are searched, and whether pgvector is there to compare the vectors.
SELECT DISTINCT embedder, dimensions, to_regtype('vector') IS NOT NULL AS "hasPgvector"
  FROM documents
 WHERE (CAST(%(project)s AS text) IS NULL OR "projectId" = %(project)s) AND dimensions > 0
 ORDER BY embedder, dimensions
