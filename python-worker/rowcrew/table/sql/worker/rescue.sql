-- Declare workers lost whose heartbeats stand where the rescuer saw them, and give their jobs back; the attempt counts.
WITH dead AS MATERIALIZED (
  UPDATE workers w
     SET "lostAt" = coalesce(w."lostAt", clock_timestamp()), "stopReason" = coalesce(w."stopReason", 'lost')
    FROM unnest(%(workers)s::bigint[], %(beats)s::bigint[]) AS seen (id, beats)
   WHERE w.id = seen.id AND w.beats = seen.beats
  RETURNING w.id),
stuck AS MATERIALIZED (
  SELECT id
    FROM jobs
   WHERE status = 'processing' AND "workerId" = ANY (ARRAY(SELECT id FROM dead))
     AND id NOT IN (SELECT "jobId" FROM jobs_set_aside WHERE "nextTryAt" > now())
     AND (%(only)s::bigint[] IS NULL OR id = ANY (%(only)s::bigint[]))
   ORDER BY id
   LIMIT 1000
     FOR NO KEY UPDATE SKIP LOCKED),
freed AS (
  UPDATE jobs j
     SET status = CASE WHEN attempts >= "maxAttempts" THEN 'failed' ELSE 'queued' END, "runAt" = clock_timestamp(),
         "workerId" = NULL, crashes = crashes + 1, "errorMessage" = 'worker lost',
         "finishedAt" = CASE WHEN attempts >= "maxAttempts" THEN clock_timestamp() END,
         "updatedAt" = clock_timestamp(), revision = revision + 1
    FROM stuck
   WHERE j.id = stuck.id
  RETURNING j.id, j.type, j.status, j.attempts, j."leaseId", j."startedAt"),
attempt_rows AS (
  INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome, error, "startedAt")
  SELECT "leaseId", id, attempts, 'lost', 'worker lost', "startedAt" FROM freed)
SELECT id, type, status FROM freed
