-- The next jobs after an id, up to another, that have a parent or wait for others, with these: edges for a tree. No index leads from a job to
-- its children, since every child would pay for it; so this reads all younger jobs once.
SELECT id, "parentId", coalesce("waitsFor", '{}') AS "waitsFor"
  FROM jobs
 WHERE id > CAST(%(after)s AS bigint) AND id <= coalesce(CAST(%(until)s AS bigint), 9223372036854775807)
   AND ("parentId" IS NOT NULL OR "waitsFor" IS NOT NULL)
 ORDER BY id
 LIMIT %(limit)s
