-- Three roles, each with the rights that its part needs and no more. Run it as the owner of the tables, after
-- `rowcrew migrate`, with a role that may create roles; again after every upgrade:
--
--     rowcrew roles | psql "$DATABASE_URL" -v ON_ERROR_STOP=1
--
-- Nobody logs in as these. Make logins of your own and put them in:
--
--     CREATE ROLE backend LOGIN PASSWORD '…' IN ROLE rowcrew_producer;
--
-- Three functions of the migrations are SECURITY DEFINER, and nothing else: a name in, a number out. A scaler of yours
-- needs no role of these, only the right to call them:
--
--     GRANT EXECUTE ON FUNCTION rowcrew_ready, rowcrew_backlog, get_active_worker_count TO scaler;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['rowcrew_producer', 'rowcrew_worker', 'rowcrew_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), name);
    END LOOP;
END $$;

-- Producers enqueue, watch and control. An ORM names and reads every column of its model, so they may, too. A trigger
-- (jobs_imported) refuses them rows that look as if they had run, and no hand writes a lease or a revision.
-- Their "updatedAt" is replaced, but many an ORM sends one along.
GRANT SELECT, INSERT, UPDATE (status, "runAt", priority, "errorMessage", "updatedAt", "waitsFor", "waitPolicy") ON jobs TO rowcrew_producer;
GRANT SELECT ON job_types TO rowcrew_producer;
GRANT INSERT (kind, subject, queue, type, count, detail) ON events TO rowcrew_producer;
GRANT SELECT, INSERT, UPDATE, DELETE ON schedules TO rowcrew_producer;
GRANT SELECT ON schedule_ticks TO rowcrew_producer;

-- Workers reserve, record and prune. They cannot change what a producer asked for.
GRANT SELECT, DELETE,
      INSERT (id, type, payload, queue, priority, "runAt", "maxAttempts", "timeoutSeconds", "uniqueKey", "concurrencyKey",
              "parentId", "waitsFor", "waitPolicy", traceparent),
      UPDATE (status, priority, attempts, crashes, "runAt", "workerId", "leaseId", progress, checkpoint, result, "errorMessage",
              "startedAt", "finishedAt", "updatedAt", "resultEmptiedAt", "placeAt", "waitsFor", "waitPolicy", "notBefore",
              watches, awaited, revision)
   ON jobs TO rowcrew_worker;
GRANT USAGE ON SEQUENCE jobs_id_seq TO rowcrew_worker;  -- a fired tick names its job
GRANT SELECT, INSERT, UPDATE ON schedules TO rowcrew_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON schedule_ticks TO rowcrew_worker;
GRANT SELECT, INSERT, DELETE ON job_attempts TO rowcrew_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON job_stats, job_logs, jobs_set_aside TO rowcrew_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON workers TO rowcrew_worker;
GRANT SELECT, INSERT, UPDATE ON job_types TO rowcrew_worker;
GRANT SELECT ON queues, limits, rowcrew_schema TO rowcrew_worker;
-- They put a limit's former value back once its "until" has passed, and name the queue of JOB_QUEUE_NAME; the command
-- line beside them sets what holds for a queue, and a spawner notes when it started workers for it.
GRANT INSERT (queue),
      UPDATE (label, paused, "maxConcurrent", "maxConcurrentPerKey", "rateLimit", "rateLimitPerKey", "ratePeriodSeconds", until,
              "timeoutSeconds", "keepCompletedSeconds", "keepFailedSeconds", "keepCompletedCount", "keepResultSeconds",
              "rescueForeignSeconds", "maxRuntimeSeconds", "cooldownSeconds", "maxJobsPerSession", "idleTimeoutSeconds",
              launcher, "launchCommand", "checkIntervalSeconds", "targetWaitSeconds", "cpuPercent", "memoryBytes", "spawnedAt")
   ON queues TO rowcrew_worker;
GRANT UPDATE ("maxConcurrent", "rateLimit", "ratePeriodSeconds", until) ON limits TO rowcrew_worker;
GRANT SELECT, INSERT, DELETE ON starts TO rowcrew_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON events, event_messages TO rowcrew_worker;
GRANT SELECT ON event_receivers TO rowcrew_worker;
GRANT SELECT, UPDATE ON queue_alarms TO rowcrew_worker;
GRANT SELECT ON rowcrew_migrations TO rowcrew_worker;  -- for the doctor: which families' tables there must be
GRANT SELECT ON job_status, job_why, queue_depth, worker_status TO rowcrew_worker;  -- the command line beside it

-- The web asks whether there is a login. What users and sessions prove is for the owner, or for a role of yours.
GRANT SELECT (name) ON web_users TO rowcrew_worker;

-- Readers watch: neither payloads nor results, neither checkpoints nor leases.
GRANT SELECT ON job_status, job_why, queue_depth, worker_status, job_types, queues, limits, jobs_set_aside, job_stats
   TO rowcrew_reader;
GRANT SELECT (name, cron, "everySeconds", "timezone", "startAt", "endAt", type, queue, priority, "maxAttempts",
              "jitterSeconds", missed, overlap, "pauseAfterFailures", paused, "pauseReason", problem, source, "declaredBy",
              "nextAt", "waitingTick", "lastAt", "lastJobId", "resumedAt", "createdAt", "updatedAt")
   ON schedules TO rowcrew_reader;
GRANT SELECT ON schedule_ticks TO rowcrew_reader;
GRANT SELECT (id, type, queue, status, priority, attempts, "maxAttempts", progress, "errorMessage", "parentId",
              "createdAt", "runAt", "startedAt", "finishedAt", "updatedAt")
   ON jobs TO rowcrew_reader;
GRANT SELECT ("jobId", attempt, outcome, error, traceback, "memoryBytes", "startedAt", "finishedAt")
   ON job_attempts TO rowcrew_reader;
GRANT SELECT (id, "messageId", "createdAt", count, kind, subject, queue, type) ON events TO rowcrew_reader;
GRANT SELECT (id, receiver, count, kind, subject, queue, type, "firstAt", "lastAt", "createdAt", "deliverAt", attempts,
              "deliveredAt", "failedAt", error)
   ON event_messages TO rowcrew_reader;
GRANT SELECT (name, via, kinds, queues, types, "timeoutSeconds", "maxAttempts", "createdAt")
   ON event_receivers TO rowcrew_reader;
GRANT SELECT ON queue_alarms TO rowcrew_reader;
GRANT EXECUTE ON FUNCTION rowcrew_ready, rowcrew_backlog, get_active_worker_count TO rowcrew_reader, rowcrew_worker;
