-- The ids of jobs from the top down to the bottom, newest first, narrowed by what is given; null = any. Bounded as `list_page`.
SELECT id
  FROM jobs
 WHERE id BETWEEN CAST(%(bottom)s AS bigint) AND CAST(%(top)s AS bigint)
   AND (CAST(%(statuses)s AS text[]) IS NULL OR status = ANY (%(statuses)s))
   AND (CAST(%(types)s AS text[]) IS NULL OR type = ANY (%(types)s))
   AND (CAST(%(queues)s AS text[]) IS NULL OR queue = ANY (%(queues)s))
   AND (CAST(%(keys)s AS text[]) IS NULL OR "uniqueKey" = ANY (%(keys)s) OR "concurrencyKey" = ANY (%(keys)s))
   AND (CAST(%(since)s AS timestamptz) IS NULL OR "createdAt" >= %(since)s)
   AND (CAST(%(withinSeconds)s AS float8) IS NULL OR "createdAt" >= now() - %(withinSeconds)s * interval '1 second')
   AND (CAST(%(patterns)s AS text[]) IS NULL OR CAST(payload AS text) ILIKE ALL (%(patterns)s))
 ORDER BY id DESC
 LIMIT %(limit)s
