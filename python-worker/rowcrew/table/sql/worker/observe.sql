-- The other workers that may hold jobs, with the count of their heartbeats. Lost ones whose rows are all set aside wait
-- until the time of one has come.
SELECT w.id, w.beats, w."leaseSeconds", w.host, w."processKey",
       w."heartbeatAt" < clock_timestamp() - 2 * w."leaseSeconds" * interval '1 second'
       AND pg_postmaster_start_time() < clock_timestamp() - 2 * w."leaseSeconds" * interval '1 second' AS "silentForLong"
  FROM workers w
 WHERE w.id <> %(worker)s AND (w."launchedAt" IS NULL OR w."registeredAt" IS NOT NULL)  -- else it is only on its way
   AND ((w."lostAt" IS NULL AND w."stoppedAt" IS NULL)
        OR EXISTS (SELECT FROM jobs j WHERE j."workerId" = w.id AND j.status = 'processing'
                      AND j.id NOT IN (SELECT "jobId" FROM jobs_set_aside WHERE "nextTryAt" > now())))
