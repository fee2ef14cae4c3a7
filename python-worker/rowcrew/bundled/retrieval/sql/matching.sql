-- The chunks that share words with a question, and how much: for one half all words count alike, for the other rare ones more.
WITH word AS MATERIALIZED (
  SELECT CAST('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''' AS tsquery) AS query
    FROM unnest(to_tsvector('english', %(question)s))),
searched AS MATERIALIZED (
  SELECT count(*) AS chunks
    FROM documents d
    JOIN chunks c ON c."documentId" = d.id
   WHERE CAST(%(project)s AS text) IS NULL OR d."projectId" = %(project)s),
hit AS MATERIALIZED (
  SELECT c.id, ts_rank(c.words, word.query) AS rank, ts_rank(c.words, word.query, 1) AS "shortRank",
         count(*) OVER (PARTITION BY word.query) AS chunks
    FROM word
    JOIN chunks c ON c.words @@ word.query
    JOIN documents d ON d.id = c."documentId"
   WHERE CAST(%(project)s AS text) IS NULL OR d."projectId" = %(project)s),
ranked AS MATERIALIZED (
  SELECT hit.id, sum(hit.rank) AS alike,
         -- inverse document frequency, as BM25 has it
         sum(hit."shortRank" * ln(1 + (searched.chunks - hit.chunks + 0.5) / (hit.chunks + 0.5))) AS rare
    FROM hit
   CROSS JOIN searched
   GROUP BY hit.id)
SELECT id, alike / max(alike) OVER () + rare / max(rare) OVER () AS score
  FROM ranked
 ORDER BY score DESC, id
 LIMIT %(limit)s
