-- The chunks that share words with a question. A word that few chunks have counts for more (inverse document frequency).
WITH word AS MATERIALIZED (
  SELECT CAST('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''' AS tsquery) AS query
    FROM unnest(to_tsvector('english', %(question)s))),
searched AS MATERIALIZED (
  SELECT count(*) AS chunks
    FROM documents d
    JOIN chunks c ON c."documentId" = d.id
   WHERE CAST(%(project)s AS text) IS NULL OR d."projectId" = %(project)s),
hit AS MATERIALIZED (
  SELECT word.query, c.id, ts_rank(c.words, word.query, 1) AS rank, count(*) OVER (PARTITION BY word.query) AS chunks
    FROM word
    JOIN chunks c ON c.words @@ word.query
    JOIN documents d ON d.id = c."documentId"
   WHERE CAST(%(project)s AS text) IS NULL OR d."projectId" = %(project)s)
SELECT hit.id, sum(hit.rank * ln(1 + (searched.chunks - hit.chunks + 0.5) / (hit.chunks + 0.5))) AS score
  FROM hit
 CROSS JOIN searched
 GROUP BY hit.id
 ORDER BY score DESC, hit.id
 LIMIT %(limit)s
