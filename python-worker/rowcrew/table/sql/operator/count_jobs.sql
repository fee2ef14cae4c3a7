-- How many jobs a filter matches, by type and status, and the moment of the count; null = any type or queue.
SELECT type, status, count(*) AS jobs, now() AS "at"
  FROM jobs
 WHERE status = ANY (CAST(%(statuses)s AS text[]))
   AND (CAST(%(types)s AS text[]) IS NULL OR type = ANY (%(types)s))
   AND (CAST(%(queues)s AS text[]) IS NULL OR queue = ANY (%(queues)s))
 GROUP BY type, status
 ORDER BY count(*) DESC, type, status
