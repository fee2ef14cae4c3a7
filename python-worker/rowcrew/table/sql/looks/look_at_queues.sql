-- How each queue stands, up to a thousand queues. Of each priority 10,000 ready, delayed and waiting jobs each are counted; no ended job is read.
WITH RECURSIVE busy AS (  -- one probe of the index for each queue
  (SELECT queue FROM jobs WHERE status = 'queued' ORDER BY queue LIMIT 1)
  UNION ALL
  SELECT (SELECT later.queue FROM jobs AS later
           WHERE later.status = 'queued' AND later.queue > busy.queue ORDER BY later.queue LIMIT 1)
    FROM busy
   WHERE busy.queue IS NOT NULL),
line AS (  -- and one for each priority of it
  SELECT busy.queue, (SELECT job.priority FROM jobs AS job
                       WHERE job.status = 'queued' AND job.queue = busy.queue
                       ORDER BY job.priority DESC LIMIT 1) AS priority
    FROM busy
   WHERE busy.queue IS NOT NULL
  UNION ALL
  SELECT line.queue, (SELECT job.priority FROM jobs AS job
                       WHERE job.status = 'queued' AND job.queue = line.queue AND job.priority < line.priority
                       ORDER BY job.priority DESC LIMIT 1)
    FROM line
   WHERE line.priority IS NOT NULL),
counted AS MATERIALIZED (  -- what is ready, delayed and waiting for other jobs are three spans of the index
  SELECT line.queue, sum(ready.number)::bigint AS ready, sum(delayed.number)::bigint AS delayed,
         sum(waiting.number)::bigint AS waiting,
         bool_or(greatest(ready.number, delayed.number, waiting.number) > 10000) AS more, min(first."runAt") AS oldest
    FROM line
    LEFT JOIN LATERAL (
         SELECT "runAt" FROM jobs
          WHERE status = 'queued' AND queue = line.queue AND priority = line.priority AND "runAt" <= now()
          ORDER BY "runAt" LIMIT 1) AS first ON true
   CROSS JOIN LATERAL (
         SELECT count(*) AS number
           FROM (SELECT FROM jobs
                  WHERE status = 'queued' AND queue = line.queue AND priority = line.priority
                    AND "runAt" <= now() LIMIT 10001) AS some_of_it) AS ready
   CROSS JOIN LATERAL (
         SELECT count(*) AS number
           FROM (SELECT FROM jobs
                  WHERE status = 'queued' AND queue = line.queue AND priority = line.priority
                    AND "runAt" > now() AND "runAt" < '9000-01-01 00:00+00' LIMIT 10001) AS some_of_it) AS delayed
   CROSS JOIN LATERAL (
         SELECT count(*) AS number
           FROM (SELECT FROM jobs
                  WHERE status = 'queued' AND queue = line.queue AND priority = line.priority
                    AND "runAt" >= '9000-01-01 00:00+00' LIMIT 10001) AS some_of_it) AS waiting
   WHERE line.priority IS NOT NULL
   GROUP BY line.queue),
held AS MATERIALIZED (
  SELECT queue, count(*) AS processing FROM jobs WHERE status = 'processing' GROUP BY queue),
live AS MATERIALIZED (
  SELECT queues, slots, least(running, slots) AS taken FROM worker_status WHERE state = 'live')
SELECT name.queue, set.label, coalesce(set.paused, false) AS paused, set."maxConcurrent",
       coalesce(counted.ready, 0) AS ready, coalesce(counted.delayed, 0) AS delayed,
       coalesce(counted.waiting, 0) AS waiting, coalesce(held.processing, 0) AS processing,
       coalesce(counted.more, false) AS more,
       extract(epoch FROM now() - counted.oldest)::float8 AS "oldestWaitSeconds",
       service.workers, service.slots, service.taken AS "slotsTaken"
  FROM (SELECT queue FROM counted UNION SELECT queue FROM held UNION SELECT queue FROM queues
         UNION SELECT unnest(queues) FROM live
         ORDER BY 1 LIMIT 1000) AS name
  LEFT JOIN counted ON counted.queue = name.queue
  LEFT JOIN held ON held.queue = name.queue
  LEFT JOIN queues AS set ON set.queue = name.queue
 CROSS JOIN LATERAL (
       SELECT count(*) AS workers, coalesce(sum(slots), 0)::bigint AS slots, coalesce(sum(taken), 0)::bigint AS taken
         FROM live
        WHERE queues = '{}' OR name.queue = ANY (queues)) AS service  -- none named: all queues
 ORDER BY name.queue
