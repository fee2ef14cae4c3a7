-- What explains the state of a job: how its last run ended, who holds it, who has its row locked, what is before it.
SELECT job.id, job.type, job.queue, job.status, job.attempts, job."maxAttempts", job."errorMessage",
       extract(epoch FROM job."runAt" - clock_timestamp())::float8 AS "dueInSeconds",
       extract(epoch FROM clock_timestamp() - job."startedAt")::float8 AS "runningSeconds",
       extract(epoch FROM job."finishedAt" - job."startedAt")::float8 AS "runSeconds",
       extract(epoch FROM clock_timestamp() - job."finishedAt")::float8 AS "endedSeconds",
       last.outcome AS "lastOutcome", last.error AS "lastError",
       coalesce(job."updatedAt" > last."finishedAt" + interval '1 second', false) AS "changedSince",
       -- As jobs_by_hand leaves a row that is requeued while a worker holds it.
       job.status = 'queued' AND job."startedAt" IS NULL AND job."leaseId" IS NOT NULL AND last.outcome IS NULL
       AND job."runAt" <= job."updatedAt" + interval '30 seconds' AS "awaitsOldRun",
       worker.name AS worker, worker.state AS "workerState",
       extract(epoch FROM clock_timestamp() - worker."heartbeatAt")::float8 AS "heardSeconds",
       extract(epoch FROM worker."heartbeatAt" - clock_timestamp())::float8 + lease."leaseSeconds" AS "leaseLeftSeconds",
       queues."rescueForeignSeconds",
       aside.reason AS "asideReason", coalesce(aside.tries, 0) AS "asideTries",
       coalesce(extract(epoch FROM aside."nextTryAt" - clock_timestamp()), 0)::float8 AS "nextTrySeconds",
       holder.pid AS "lockPid", holder.program AS "lockProgram", holder.seconds AS "lockSeconds",
       before.number AS ahead, job."concurrencyKey"
  FROM jobs job
  LEFT JOIN job_attempts last ON last."leaseId" = job."leaseId"
  LEFT JOIN worker_status worker ON worker.id = job."workerId"
  LEFT JOIN workers lease ON lease.id = job."workerId"
  LEFT JOIN jobs_set_aside aside ON aside."jobId" = job.id
  LEFT JOIN queues ON queues.queue = job.queue
  LEFT JOIN LATERAL (
       SELECT locks.pid, activity.application_name AS program,
              extract(epoch FROM clock_timestamp() - activity.xact_start)::float8 AS seconds
         FROM pg_locks locks
         LEFT JOIN pg_stat_activity activity ON activity.pid = locks.pid
        WHERE locks.locktype = 'transactionid' AND locks.granted AND locks.transactionid = job.xmax
        LIMIT 1
       ) AS holder ON job.status = 'queued'
 CROSS JOIN LATERAL (
       SELECT count(*) AS number
         FROM (SELECT
                 FROM jobs other
                WHERE job.status = 'queued' AND job."runAt" <= now()
                  AND other.status = 'queued' AND other.queue = job.queue AND other."runAt" <= now()
                  AND (other.priority > job.priority
                       OR other.priority = job.priority AND (other."runAt", other.id) < (job."runAt", job.id))
                LIMIT 1000) AS first
       ) AS before
 WHERE job.id = CAST(%(id)s AS bigint)
