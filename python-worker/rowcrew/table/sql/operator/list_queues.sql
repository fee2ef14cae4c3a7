-- Every queue that has jobs, a row of its own or a live worker: its jobs by status, what waits, and who serves it.
WITH counted AS MATERIALIZED (
  SELECT queue,
         coalesce(sum(jobs) FILTER (WHERE status = 'queued'), 0)::bigint AS queued,
         coalesce(sum(jobs) FILTER (WHERE status = 'processing'), 0)::bigint AS processing,
         coalesce(sum(jobs) FILTER (WHERE status = 'completed'), 0)::bigint AS completed,
         coalesce(sum(jobs) FILTER (WHERE status = 'failed'), 0)::bigint AS failed,
         coalesce(sum(jobs) FILTER (WHERE status = 'cancelled'), 0)::bigint AS cancelled
    FROM (SELECT queue, status, count(*) AS jobs FROM jobs GROUP BY queue, status) AS each  -- one count a row, not five
   GROUP BY queue),
ripe AS MATERIALIZED (  -- by the index of queued jobs; of a million others "runAt" is not read
  SELECT queue, count(*) AS ready, min("runAt") AS "oldestReadyAt"
    FROM jobs
   WHERE status = 'queued' AND "runAt" <= now()
   GROUP BY queue),
live AS MATERIALIZED (
  SELECT queues, slots, least(running, slots) AS taken FROM worker_status WHERE state = 'live')
SELECT name.queue,
       coalesce(queued, 0) AS queued, coalesce(processing, 0) AS processing, coalesce(completed, 0) AS completed,
       coalesce(failed, 0) AS failed, coalesce(cancelled, 0) AS cancelled, coalesce(ready, 0) AS ready,
       "oldestReadyAt", extract(epoch FROM now() - "oldestReadyAt")::float8 AS "oldestWaitSeconds",
       service.workers, "maxConcurrent" AS "workersAllowed", service.slots, service.taken AS "slotsTaken"
  FROM (SELECT queue FROM counted UNION SELECT queue FROM queues UNION SELECT unnest(queues) FROM live) AS name
  LEFT JOIN counted ON counted.queue = name.queue
  LEFT JOIN ripe ON ripe.queue = name.queue
  LEFT JOIN queues ON queues.queue = name.queue
 CROSS JOIN LATERAL (
       SELECT count(*) AS workers, coalesce(sum(slots), 0)::bigint AS slots, coalesce(sum(taken), 0)::bigint AS taken
         FROM live
        WHERE live.queues = '{}' OR name.queue = ANY (live.queues)  -- none named: all queues
       ) AS service
 ORDER BY name.queue
