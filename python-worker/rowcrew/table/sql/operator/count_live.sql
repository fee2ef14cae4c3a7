-- How many jobs are left to run, by queue and type; null = of any queue.
SELECT queue, type, count(*) AS jobs
  FROM jobs
 WHERE status IN ('queued', 'processing') AND (CAST(%(queue)s AS text) IS NULL OR queue = %(queue)s)
 GROUP BY queue, type
 ORDER BY queue, type
