-- Delete ended jobs past their time among the next rows by id, with their attempts. Answers where it came to.
WITH walk AS MATERIALIZED (
  SELECT j.id, j.queue, j.status, j."finishedAt", j.awaited
    FROM jobs j
   WHERE j.id > %(after)s
   ORDER BY j.id
   LIMIT %(batch)s),
old AS MATERIALIZED (
  SELECT walk.id
    FROM walk
    LEFT JOIN queues q ON q.queue = walk.queue
   WHERE (walk.awaited IS NOT TRUE OR walk."finishedAt" < clock_timestamp() - interval '30 days')  -- somebody may still wait
     AND (walk.status = 'completed' AND walk."finishedAt" <
             clock_timestamp() - coalesce(q."keepCompletedSeconds", %(keep_completed)s) * interval '1 second'
          OR walk.status IN ('failed', 'cancelled') AND walk."finishedAt" <
             clock_timestamp() - coalesce(q."keepFailedSeconds", %(keep_failed)s) * interval '1 second')),
unlocked AS MATERIALIZED (
  SELECT j.id FROM jobs j WHERE j.id = ANY (ARRAY(SELECT id FROM old)) ORDER BY j.id FOR UPDATE SKIP LOCKED),
gone AS (
  DELETE FROM jobs j
   WHERE j.id = ANY (ARRAY(SELECT id FROM unlocked)) AND j.status IN ('completed', 'failed', 'cancelled')
  RETURNING j.id),
attempt_rows AS (
  DELETE FROM job_attempts a WHERE a."jobId" = ANY (ARRAY(SELECT id FROM gone))),
log_rows AS (
  DELETE FROM job_logs l WHERE l."jobId" = ANY (ARRAY(SELECT id FROM gone)))
SELECT (SELECT max(id) FROM walk) AS "cameTo", (SELECT count(*) FROM gone) AS deleted
