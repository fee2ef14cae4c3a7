-- Launched workers that have outlived their queue's time and the grace, and by how much.
SELECT w."launchHandle" AS handle, w.name,
       extract(epoch FROM clock_timestamp() - w."launchedAt")::float8 - q."maxRuntimeSeconds" - CAST(%(grace)s AS float8) AS "overSeconds"
  FROM workers w
  JOIN queues q ON q.queue = w.queues[1]
 WHERE w.launcher = %(launcher)s AND w."launchHandle" IS NOT NULL AND w."stoppedAt" IS NULL
   AND w."launchedAt" < clock_timestamp() - (q."maxRuntimeSeconds" + CAST(%(grace)s AS float8)) * interval '1 second'
