-- The schedules that are due or not yet planned, each with the version of its row, which `fire` must find unchanged.
SELECT s.name, s.xmin::text AS version, s.cron, s."everySeconds", s."timezone", s."startAt", s."endAt", s."createdAt",
       s.missed, s."nextAt", clock_timestamp() AS now, s."pauseAfterFailures", coalesce(failures.all_of_them, false) AS "hasFailed"
  FROM schedules AS s
  LEFT JOIN LATERAL (
       SELECT count(*) = s."pauseAfterFailures" AND bool_and(ended.status = 'failed') AS all_of_them
         FROM (SELECT jobs.status
                 FROM schedule_ticks AS t
                 JOIN jobs ON jobs.id = t."jobId"
                WHERE t.schedule = s.name AND t."firedAt" > coalesce(s."resumedAt", '-infinity')
                  AND jobs.status || '' IN ('completed', 'failed')
                ORDER BY t.tick DESC
                LIMIT s."pauseAfterFailures") AS ended) AS failures ON s."pauseAfterFailures" IS NOT NULL
 WHERE NOT s.paused AND s.problem IS NULL
   AND (s."nextAt" <= clock_timestamp() OR s."nextAt" IS NULL AND coalesce(s."endAt" > clock_timestamp(), true))
 ORDER BY s."nextAt", s."updatedAt" DESC
 LIMIT 100
