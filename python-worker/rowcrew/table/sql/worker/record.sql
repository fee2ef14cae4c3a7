-- Record how runs ended; a row that is no longer under the run's lease stays as it is. Answers only those, with the reason.
WITH ended AS MATERIALIZED (
  SELECT id, lease, status, outcome, result, error, traceback, memory, progress, checkpoint,
         coalesce(delay, 0) AS delay, coalesce(refund, 0) AS refund, coalesce(crash, 0) AS crash
    FROM jsonb_to_recordset(%(ended)s::jsonb) AS e (
         id bigint, lease uuid, status text, outcome text, result jsonb, error text, traceback text, memory bigint,
         progress jsonb, checkpoint jsonb, delay float8, refund smallint, crash smallint)
   -- Always true. The planner expects one row of it and looks each up by its key, be the table empty or large.
   WHERE id = abs(id)),
written AS (
  UPDATE jobs j
     SET status = ended.status, result = ended.result, "errorMessage" = ended.error, "workerId" = NULL, "placeAt" = NULL,
         attempts = j.attempts - ended.refund, crashes = greatest(j.crashes + ended.crash, 0), revision = j.revision + 1,
         progress = coalesce(ended.progress, j.progress), checkpoint = coalesce(ended.checkpoint, j.checkpoint),
         "runAt" = CASE ended.status WHEN 'queued' THEN clock_timestamp() + ended.delay * interval '1 second'
                                     ELSE j."runAt" END,
         "finishedAt" = CASE ended.status WHEN 'queued' THEN NULL ELSE clock_timestamp() END,
         "updatedAt" = clock_timestamp()
    FROM ended
   -- || '' keeps the planner on the primary key: the partial index on processing rows would read all of them
   WHERE j.id = ended.id AND j."leaseId" = ended.lease AND j.status || '' = 'processing'
  RETURNING j.id, j."leaseId" AS lease, j.attempts + ended.refund AS attempt, j."startedAt" AS started,
            ended.outcome, ended.error, ended.traceback, ended.memory),
attempt_rows AS (
  INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome, error, traceback, "memoryBytes", "workerId", "startedAt")
  SELECT lease, id, attempt, outcome, error, traceback, memory, %(worker)s, started
    FROM written
   WHERE outcome IS NOT NULL)
SELECT ended.lease::text AS lease,
       -- No EXISTS: the planner may answer one by reading the whole table once.
       CASE WHEN (SELECT true FROM job_attempts a WHERE a."leaseId" = ended.lease AND a.outcome <> 'lost' LIMIT 1)
              OR (SELECT true FROM jobs j WHERE j.id = ended.id AND j."leaseId" = ended.lease
                     AND j.status = 'completed' AND ended.status = 'completed')
            THEN 'ALREADY' ELSE 'STALE' END AS reply
  FROM ended
 WHERE ended.lease NOT IN (SELECT lease FROM written)
