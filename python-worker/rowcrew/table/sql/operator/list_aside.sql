-- Jobs that are set aside: how many, and of the one tried most often the reason and when it is tried again.
SELECT aside."jobId", aside.reason, aside.tries, count(*) OVER () AS number,
       extract(epoch FROM aside."nextTryAt" - clock_timestamp())::float8 AS "nextTrySeconds"
  FROM jobs_set_aside aside
  JOIN jobs ON jobs.id = aside."jobId" AND jobs.status IN ('queued', 'processing')
 WHERE aside."nextTryAt" > clock_timestamp() - interval '1 minute'
 ORDER BY aside.tries DESC, aside."jobId"
 LIMIT 1
