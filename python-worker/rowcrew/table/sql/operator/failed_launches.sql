-- The queues for which spawners have launched workers in vain since one last came, the most rounds first, and the latest reason.
WITH launches AS MATERIALIZED (
  SELECT queues, "launchedAt", "registeredAt", "stoppedAt", "errorMessage",
         max("launchedAt") FILTER (WHERE "registeredAt" IS NOT NULL) OVER (PARTITION BY queues) AS "succeededAt"
    FROM workers
   WHERE "launchedAt" IS NOT NULL)
SELECT queues[1] AS queue, count(*) AS launches, (array_agg("errorMessage" ORDER BY "stoppedAt" DESC))[1] AS error,
       extract(epoch FROM clock_timestamp() - max("stoppedAt"))::float8 AS "sinceSeconds"
  FROM launches
 WHERE "registeredAt" IS NULL AND "stoppedAt" IS NOT NULL AND "launchedAt" > coalesce("succeededAt", '-infinity')
 GROUP BY queues
 ORDER BY count(*) DESC
 LIMIT 20
