-- How queues stand for whoever starts workers: what is ready, who is there, how the last launches went, what is set; null = all.
WITH crowd AS MATERIALIZED (
  SELECT queue, min("runAt") AS "oldestAt"
    FROM jobs
   WHERE status = 'queued' AND "runAt" <= now() AND (CAST(%(queues)s AS text[]) IS NULL OR queue = ANY (%(queues)s))
   GROUP BY queue),
there AS MATERIALIZED (
  SELECT queues, state FROM worker_status WHERE state IN ('live', 'launching')),
serving AS MATERIALIZED (
  SELECT queue, count(*) AS workers FROM there CROSS JOIN unnest(queues) AS queue GROUP BY queue),
busy AS MATERIALIZED (
  SELECT j.queue, count(*) AS jobs,
         count(*) FILTER (WHERE w."stoppedAt" IS NOT NULL OR w."lostAt" IS NOT NULL
                             OR greatest(w."heartbeatAt", pg_postmaster_start_time())
                                < clock_timestamp() - 2 * w."leaseSeconds" * interval '1 second') AS stranded
    FROM jobs j
    LEFT JOIN workers w ON w.id = j."workerId"
   WHERE j.status = 'processing' AND (CAST(%(queues)s AS text[]) IS NULL OR j.queue = ANY (%(queues)s))
   GROUP BY j.queue),
launches AS MATERIALIZED (
  SELECT queues, "launchedAt", coalesce("stoppedAt", "lostAt") AS "endedAt",
         -- It never came, or came and died before its second heartbeat: one that dies later has shown that workers start.
         coalesce("stoppedAt", "lostAt") IS NOT NULL
           AND ("registeredAt" IS NULL OR "stopReason" IN ('error', 'lost') AND beats < 2) AS failed,
         "registeredAt" IS NOT NULL AND (coalesce("stopReason", '') NOT IN ('error', 'lost') OR beats >= 2) AS succeeded
    FROM workers
   WHERE "launchedAt" IS NOT NULL),
failed AS MATERIALIZED (  -- one a round, however many it was to start
  SELECT l.queues[1] AS queue, count(DISTINCT l."launchedAt") AS rounds, max(l."endedAt") AS at
    FROM launches l
    LEFT JOIN (SELECT queues, max("launchedAt") AS at FROM launches WHERE succeeded GROUP BY queues) AS latest
           ON latest.queues = l.queues
   WHERE l.failed AND l."launchedAt" > coalesce(latest.at, '-infinity')
   GROUP BY l.queues[1])
SELECT name.queue, set.label, coalesce(set.launcher, 'process') AS launcher, set."launchCommand",
       CASE WHEN crowd.queue IS NULL THEN 0 ELSE rowcrew_ready(name.queue) END AS ready,
       least(rate.free, keys.free) AS startable,
       coalesce(busy.jobs, 0) AS processing,
       CASE WHEN EXISTS (SELECT FROM there WHERE state = 'live') THEN 0 ELSE coalesce(busy.stranded, 0) END AS stranded,
       coalesce(extract(epoch FROM now() - crowd."oldestAt")::float8, 0) AS "oldestWaitSeconds",
       CASE WHEN crowd.queue IS NOT NULL AND set."targetWaitSeconds" IS NOT NULL THEN (
           SELECT sum("runSeconds") / nullif(sum(count), 0)
             FROM job_stats
            WHERE "endsAt" > now() - interval '1 day' AND job_stats.queue = name.queue
              AND outcome IN ('completed', 'retried', 'failed')) END AS "meanRunSeconds",
       coalesce(serving.workers, 0) + (SELECT count(*) FROM there WHERE queues = '{}') AS live,
       set."maxConcurrent", set."targetWaitSeconds", coalesce(set.paused, false) AS paused,
       -- By amount: a clock of the database that was set back must not stop the starts until it has caught up.
       coalesce(greatest(0, set."cooldownSeconds" - abs(extract(epoch FROM clock_timestamp() - set."spawnedAt")))::float8, 0)
           AS "cooldownLeftSeconds",
       coalesce(failed.rounds, 0) AS failures,
       coalesce(abs(extract(epoch FROM clock_timestamp() - failed.at))::float8, 0) AS "sinceFailureSeconds",
       set."maxRuntimeSeconds", set."checkIntervalSeconds", set."cpuPercent", set."memoryBytes",
       (SELECT count(*) FROM there) AS everywhere
  FROM (SELECT queue FROM crowd UNION SELECT queue FROM busy UNION SELECT queue FROM serving UNION SELECT queue FROM queues) AS name
  LEFT JOIN queues AS set ON set.queue = name.queue
  LEFT JOIN crowd ON crowd.queue = name.queue
  LEFT JOIN busy ON busy.queue = name.queue
  LEFT JOIN serving ON serving.queue = name.queue
  LEFT JOIN failed ON failed.queue = name.queue
  LEFT JOIN LATERAL (
       SELECT greatest(0, set."rateLimit" - rowcrew_started('queue ' || name.queue, set."ratePeriodSeconds", clock_timestamp()))
           AS free) AS rate ON crowd.queue IS NOT NULL AND set."rateLimit" IS NOT NULL
  LEFT JOIN LATERAL (  -- of each key what its rates let start, and all that have no key
       SELECT sum(CASE WHEN waiting.key IS NULL THEN number ELSE greatest(0, least(number,
                  set."rateLimitPerKey"
                  - rowcrew_started('queue ' || name.queue || ' key ' || waiting.key, set."ratePeriodSeconds", clock_timestamp()),
                  l."rateLimit" - rowcrew_started('key ' || waiting.key, l."ratePeriodSeconds", clock_timestamp()))) END)::bigint
           AS free
         FROM (SELECT "concurrencyKey" AS key, count(*) AS number
                 FROM jobs
                WHERE jobs.queue = name.queue AND status = 'queued' AND "runAt" <= now()
                GROUP BY "concurrencyKey") AS waiting
         LEFT JOIN limits l ON l.key = waiting.key) AS keys
       ON crowd.queue IS NOT NULL
      AND (set."rateLimitPerKey" IS NOT NULL OR EXISTS (SELECT FROM limits WHERE "rateLimit" IS NOT NULL))
 WHERE CAST(%(queues)s AS text[]) IS NULL OR name.queue = ANY (%(queues)s)
 ORDER BY set."createdAt", set."maxConcurrent" DESC NULLS LAST, name.queue
