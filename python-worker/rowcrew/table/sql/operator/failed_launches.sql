-- The queues whose launched workers never came, or died at once, since one last did well; the most first, with the latest reason.
WITH launches AS MATERIALIZED (
  SELECT queues, "launchedAt", "registeredAt", coalesce("stoppedAt", "lostAt") AS "endedAt", "stopReason", "errorMessage", beats,
         max("launchedAt") FILTER (WHERE "registeredAt" IS NOT NULL
                                     AND (coalesce("stopReason", '') NOT IN ('error', 'lost') OR beats >= 2))
             OVER (PARTITION BY queues) AS "succeededAt"
    FROM workers
   WHERE "launchedAt" IS NOT NULL)
SELECT queues[1] AS queue, count(*) AS launches,
       (array_agg(coalesce("errorMessage", 'it came, and its "stopReason" is ' || "stopReason") ORDER BY "endedAt" DESC))[1] AS error,
       extract(epoch FROM clock_timestamp() - max("endedAt"))::float8 AS "sinceSeconds"
  FROM launches
 WHERE "endedAt" IS NOT NULL AND ("registeredAt" IS NULL OR "stopReason" IN ('error', 'lost') AND beats < 2)
   AND "launchedAt" > coalesce("succeededAt", '-infinity')
 GROUP BY queues
 ORDER BY count(*) DESC
 LIMIT 20
