-- Give back those of these rows that another program left in processing, where the queue asks for it; the attempt counts.
WITH stuck AS MATERIALIZED (
  SELECT j.id
    FROM jobs j
    JOIN queues q ON q.queue = j.queue
   WHERE j.id = ANY (%(only)s::bigint[]) AND j.status = 'processing' AND j."workerId" IS NULL
     AND j."updatedAt" < clock_timestamp() - q."rescueForeignSeconds" * interval '1 second'
   ORDER BY j.id
     FOR NO KEY UPDATE OF j SKIP LOCKED),
freed AS (
  UPDATE jobs j
     SET status = CASE WHEN attempts + 1 >= "maxAttempts" THEN 'failed' ELSE 'queued' END, "runAt" = clock_timestamp(),
         "placeAt" = NULL, attempts = attempts + 1, "errorMessage" = 'left in processing by another program',
         watches = CASE WHEN awaited AND attempts + 1 >= "maxAttempts" THEN -1 END,
         "finishedAt" = CASE WHEN attempts + 1 >= "maxAttempts" THEN clock_timestamp() END,
         "updatedAt" = clock_timestamp(), revision = revision + 1
    FROM stuck
   WHERE j.id = stuck.id
  RETURNING j.id, j.type, j.queue, j.status, j.attempts, j."startedAt"),
attempt_rows AS (
  INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome, error, "startedAt")
  SELECT gen_random_uuid(), id, attempts, 'lost', 'left in processing by another program', "startedAt" FROM freed),
event_rows AS (
  INSERT INTO events (kind, subject, queue, type, count, detail)
  SELECT 'job.failed', type, queue, type, count(*),
         jsonb_build_object('jobId', max(id), 'error', 'left in processing by another program')
    FROM freed
   WHERE status = 'failed'
   GROUP BY queue, type)
SELECT id, type, queue, status FROM freed
