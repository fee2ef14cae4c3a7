-- Types that no live worker serves, by queue, among the hundred oldest ready jobs of each priority: what nobody takes stays in front.
WITH RECURSIVE busy AS (  -- one probe of the index for each queue
  SELECT min(queue) AS queue FROM jobs WHERE status = 'queued'
  UNION ALL
  SELECT (SELECT min(later.queue) FROM jobs later WHERE later.status = 'queued' AND later.queue > busy.queue)
    FROM busy
   WHERE busy.queue IS NOT NULL),
line AS (  -- and one for each priority of it
  SELECT busy.queue, (SELECT max(priority) FROM jobs WHERE status = 'queued' AND jobs.queue = busy.queue) AS priority
    FROM busy
   WHERE busy.queue IS NOT NULL
  UNION ALL
  SELECT line.queue, (SELECT max(job.priority) FROM jobs job
                       WHERE job.status = 'queued' AND job.queue = line.queue AND job.priority < line.priority)
    FROM line
   WHERE line.priority IS NOT NULL),
live AS MATERIALIZED (
  SELECT queues, types FROM worker_status WHERE state = 'live')
SELECT front.queue, front.type
  FROM line
 CROSS JOIN LATERAL (
       SELECT queue, type FROM jobs
        WHERE status = 'queued' AND queue = line.queue AND priority = line.priority AND "runAt" <= now()
        ORDER BY "runAt"
        LIMIT 100) AS front
 WHERE NOT EXISTS (
       SELECT FROM live
        WHERE front.type = ANY (types) AND (front.queue = ANY (queues) OR queues = '{}'))  -- none named: all queues
 GROUP BY front.queue, front.type
 ORDER BY front.queue, front.type
