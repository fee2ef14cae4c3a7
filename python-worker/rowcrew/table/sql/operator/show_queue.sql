-- One queue: what is set for it, what waits and runs, and who serves it. No row: nobody has named it. Reads no ended job.
WITH live AS MATERIALIZED (
  SELECT slots, least(running, slots) AS taken
    FROM worker_status
   WHERE state = 'live' AND (queues = '{}' OR CAST(%(queue)s AS text) = ANY (queues))  -- none named: all queues
)
SELECT name.queue, set.queue IS NOT NULL AS "hasRow", set.label, coalesce(set.paused, false) AS paused,
       set."maxConcurrent", set."maxConcurrentPerKey", set."rateLimit", set."rateLimitPerKey",
       coalesce(set."ratePeriodSeconds", 1) AS "ratePeriodSeconds", set.until, set."timeoutSeconds",
       set."keepCompletedSeconds", set."keepFailedSeconds", set."keepCompletedCount", set."keepResultSeconds",
       set."rescueForeignSeconds", set."maxRuntimeSeconds", coalesce(set."cooldownSeconds", 0) AS "cooldownSeconds", set."maxJobsPerSession",
       set."idleTimeoutSeconds", set.launcher, set."launchCommand", set."checkIntervalSeconds", set."targetWaitSeconds",
       set."cpuPercent", set."memoryBytes",
       coalesce(depth.ready, 0) AS ready, coalesce(depth.delayed, 0) AS delayed,
       coalesce(depth.processing, 0) AS processing, depth."oldestReadyAt",
       extract(epoch FROM now() - depth."oldestReadyAt")::float8 AS "oldestWaitSeconds",
       (SELECT count(*) FROM live) AS workers,
       coalesce((SELECT sum(slots) FROM live), 0)::bigint AS slots,
       coalesce((SELECT sum(taken) FROM live), 0)::bigint AS "slotsTaken"
  FROM (SELECT CAST(%(queue)s AS text) AS queue) AS name
  LEFT JOIN queues AS set ON set.queue = name.queue
  LEFT JOIN queue_depth AS depth ON depth.queue = name.queue
 WHERE set.queue IS NOT NULL OR depth.queue IS NOT NULL
    OR EXISTS (SELECT FROM job_stats WHERE job_stats.queue = name.queue)
    OR EXISTS (SELECT FROM worker_status WHERE state = 'live' AND name.queue = ANY (queues))
    OR EXISTS (SELECT FROM job_types WHERE job_types.queue = name.queue)
    OR EXISTS (SELECT FROM schedules WHERE schedules.queue = name.queue)
