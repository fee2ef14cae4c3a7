-- Why queued jobs are not running, by queue, type and reason: of the first thousand jobs of each queue.
WITH RECURSIVE busy AS (
  (SELECT queue FROM jobs WHERE status = 'queued' ORDER BY queue LIMIT 1)
  UNION ALL
  SELECT (SELECT later.queue FROM jobs AS later
           WHERE later.status = 'queued' AND later.queue > busy.queue ORDER BY later.queue LIMIT 1)
    FROM busy
   WHERE busy.queue IS NOT NULL)
SELECT queue, type, reason, count(*) AS jobs, min(id) AS "firstId"
  FROM job_why
 WHERE id = ANY (ARRAY(
       SELECT first.id
         FROM busy
        CROSS JOIN LATERAL (
              SELECT id FROM jobs
               WHERE status = 'queued' AND queue = busy.queue
               ORDER BY priority DESC, "runAt", id
               LIMIT 1000) AS first
        WHERE busy.queue IS NOT NULL))
 GROUP BY queue, type, reason
