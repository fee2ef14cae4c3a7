-- The investor with the alias that is most like a name, if it is like enough; as pg_trgm's similarity has it.
SELECT a."investorId"
  FROM "investorAliases" a
       CROSS JOIN LATERAL (SELECT count(*)::numeric AS count
                             FROM unnest(a.trigrams) AS t (trigram)
                            WHERE t.trigram = ANY (%(trigrams)s)) AS shared
 WHERE a.kind = %(kind)s
   AND a.trigrams && %(some)s::text[]
   AND shared.count
       >= %(threshold)s * (cardinality(a.trigrams) + cardinality(%(trigrams)s::text[]) - shared.count)
 ORDER BY shared.count / (cardinality(a.trigrams) + cardinality(%(trigrams)s::text[]) - shared.count) DESC,
          a."investorId"
 LIMIT 1
