-- The rounds in which workers were started, with the jobs that they had.
SELECT queues[1] AS queue, min(to_char("launchedAt", 'HH24:MI:SS.MS')) AS launched,
       count(*) AS workers, string_agg(DISTINCT "stopReason", ', ') AS "stopReason"
  FROM workers WHERE "launchedAt" >= %(since)s
 GROUP BY "launchedAt", queues ORDER BY "launchedAt"
