-- Three roles, each with the rights that its part needs and no more. Run it as the owner of the tables, after
-- `rowcrew migrate`, with a role that may create roles; again after every upgrade:
--
--     rowcrew roles | psql "$DATABASE_URL" -v ON_ERROR_STOP=1
--
-- Nobody logs in as these. Make logins of your own and put them in:
--
--     CREATE ROLE backend LOGIN PASSWORD '…' IN ROLE rowcrew_producer;
--
-- No function here or in the migrations is SECURITY DEFINER: triggers touch no table, so they need no rights.

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
GRANT SELECT, INSERT, UPDATE (status, "runAt", priority, "errorMessage", "updatedAt") ON jobs TO rowcrew_producer;
GRANT SELECT ON job_types TO rowcrew_producer;

-- Workers reserve, record and prune. They cannot change what a producer asked for.
GRANT SELECT, DELETE,
      INSERT (type, payload, queue, priority, "runAt", "maxAttempts", "timeoutSeconds", "uniqueKey", "concurrencyKey",
              "parentId"),
      UPDATE (status, attempts, crashes, "runAt", "workerId", "leaseId", progress, checkpoint, result, "errorMessage",
              "startedAt", "finishedAt", "updatedAt", "resultEmptiedAt", revision)
   ON jobs TO rowcrew_worker;
GRANT SELECT, INSERT, DELETE ON job_attempts TO rowcrew_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON job_logs, jobs_set_aside TO rowcrew_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON workers TO rowcrew_worker;
GRANT SELECT, INSERT, UPDATE ON job_types TO rowcrew_worker;
GRANT SELECT ON queues, rowcrew_schema TO rowcrew_worker;
GRANT SELECT ON rowcrew_migrations TO rowcrew_worker;  -- for the doctor: which families' tables there must be
GRANT SELECT ON job_status, queue_depth, worker_status TO rowcrew_worker;  -- the command line beside it

-- Readers watch: neither payloads nor results, neither checkpoints nor leases.
GRANT SELECT ON job_status, queue_depth, worker_status, job_types, queues, jobs_set_aside TO rowcrew_reader;
GRANT SELECT (id, type, queue, status, priority, attempts, "maxAttempts", progress, "errorMessage", "parentId",
              "createdAt", "runAt", "startedAt", "finishedAt", "updatedAt")
   ON jobs TO rowcrew_reader;
GRANT SELECT ("jobId", attempt, outcome, error, traceback, "memoryBytes", "startedAt", "finishedAt")
   ON job_attempts TO rowcrew_reader;
