-- Set a row aside that no statement takes: tried again after a pause that grows. Answers the pause; no row while one runs.
INSERT INTO jobs_set_aside AS aside ("jobId", reason, "workerId", "nextTryAt")
VALUES (%(id)s, %(reason)s, %(worker)s, clock_timestamp() + interval '10 seconds')
ON CONFLICT ("jobId") DO UPDATE
   SET reason = excluded.reason, "workerId" = excluded."workerId", tries = aside.tries + 1,
       "nextTryAt" = clock_timestamp() + least(600, 10 * 2 ^ least(aside.tries, 6)) * interval '1 second'
 WHERE aside."nextTryAt" <= clock_timestamp()
RETURNING extract(epoch FROM "nextTryAt" - clock_timestamp())::float8 AS "pauseSeconds"
