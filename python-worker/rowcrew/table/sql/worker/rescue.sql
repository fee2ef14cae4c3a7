-- Declare workers lost whose heartbeats stand where the rescuer saw them, and give their jobs back; one that ran alone is blamed.
WITH dead AS MATERIALIZED (
  UPDATE workers w
     SET "lostAt" = coalesce(w."lostAt", now()), "stopReason" = coalesce(w."stopReason", 'lost')
    FROM unnest(%(workers)s::bigint[], %(beats)s::bigint[]) AS seen (id, beats)
   WHERE w.id = seen.id AND w.beats = seen.beats
  RETURNING w.id, w."aloneWith", w.name, w.host, w.pid, w."lostAt" = now() AS lately),
stuck AS MATERIALIZED (
  SELECT j.id, coalesce(j."leaseId" = dead."aloneWith", false) AS blamed, dead."aloneWith" IS NULL AS begun
    FROM jobs j
    JOIN dead ON dead.id = j."workerId"
   WHERE j.status = 'processing' AND j."workerId" = ANY (ARRAY(SELECT id FROM dead))
     AND j.id NOT IN (SELECT "jobId" FROM jobs_set_aside WHERE "nextTryAt" > now())
     AND (%(only)s::bigint[] IS NULL OR j.id = ANY (%(only)s::bigint[]))
   ORDER BY j.id
   LIMIT 1000
     FOR NO KEY UPDATE OF j SKIP LOCKED),
freed AS (
  UPDATE jobs j
     SET status = CASE WHEN blamed AND attempts >= "maxAttempts" THEN 'failed' ELSE 'queued' END,
         "runAt" = clock_timestamp(), "workerId" = NULL, "placeAt" = NULL,
         "errorMessage" = CASE WHEN blamed THEN 'worker lost; it ran nothing else' ELSE 'worker lost' END,
         attempts = CASE WHEN blamed THEN attempts ELSE greatest(attempts - 1, 0) END,
         -- Where one ran alone, the others had not begun. More than the hand may write is no help to anybody.
         crashes = CASE WHEN begun THEN least(crashes + 1, 1000) ELSE crashes END,
         watches = CASE WHEN awaited AND blamed AND attempts >= "maxAttempts" THEN -1 END,
         "finishedAt" = CASE WHEN blamed AND attempts >= "maxAttempts" THEN clock_timestamp() END,
         "updatedAt" = clock_timestamp(), revision = revision + 1
    FROM stuck
   WHERE j.id = stuck.id
  RETURNING j.id, j.type, j.queue, j.status, j.attempts + CASE WHEN blamed THEN 0 ELSE 1 END AS attempt, j."leaseId", j."startedAt", j."errorMessage" AS error),
attempt_rows AS (
  INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome, error, "startedAt")
  SELECT "leaseId", id, attempt, 'lost', error, "startedAt" FROM freed),
event_rows AS (  -- one a worker, from the statement that declares it lost, and one for jobs that failed with it
  INSERT INTO events (kind, subject, queue, type, count, detail)
  SELECT 'worker.lost', left(name, 200), '', '', 1, jsonb_build_object('workerId', id, 'host', host, 'pid', pid)
    FROM dead
   WHERE lately
   UNION ALL
  SELECT 'job.failed', type, queue, type, count(*), jsonb_build_object('jobId', max(id), 'error', left(max(error), 500))
    FROM freed
   WHERE status = 'failed'
   GROUP BY queue, type)
SELECT id, type, queue, status FROM freed
