-- Launched workers in places that list and end them: late to come, or past their time and the grace; queues null = all.
SELECT w.id, w.name, w.queues[1] AS queue, w.launcher, w."launchHandle" AS handle, w."registeredAt" IS NOT NULL AS registered,
       CASE WHEN over.seconds >= 0 THEN over.seconds END AS "overSeconds"
  FROM workers w
  LEFT JOIN queues q ON q.queue = w.queues[1]
 CROSS JOIN LATERAL (
       SELECT extract(epoch FROM clock_timestamp() - w."launchedAt")::float8 - q."maxRuntimeSeconds" - CAST(%(grace)s AS float8) AS seconds)
       AS over
 WHERE w.launcher <> ALL ('{process,command,lambda}') AND w."launchHandle" IS NOT NULL AND w."stoppedAt" IS NULL
   AND (CAST(%(queues)s AS text[]) IS NULL OR w.queues[1] = ANY (%(queues)s))
   AND (over.seconds BETWEEN 0 AND 600
        OR w."registeredAt" IS NULL AND w."lostAt" IS NULL
           AND abs(extract(epoch FROM clock_timestamp() - w."launchedAt")) >= 20)
 ORDER BY w.launcher, w.id
