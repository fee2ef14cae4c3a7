-- The next jobs by id that a filter matches, as it was counted at a moment: what changed since is left out.
SELECT id
  FROM jobs
 WHERE id > CAST(%(after)s AS bigint)
   AND status = ANY (CAST(%(statuses)s AS text[]))
   AND (CAST(%(types)s AS text[]) IS NULL OR type = ANY (%(types)s))
   AND (CAST(%(queues)s AS text[]) IS NULL OR queue = ANY (%(queues)s))
   AND coalesce("finishedAt", "createdAt") <= CAST(%(at)s AS timestamptz)
 ORDER BY id
 LIMIT %(limit)s
