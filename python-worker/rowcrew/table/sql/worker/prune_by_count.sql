-- Delete completed jobs beyond the number a queue keeps, oldest first, at most a batch.
WITH old AS MATERIALIZED (
  SELECT ranked.id
    FROM queues q
   CROSS JOIN LATERAL (
         SELECT j.id
           FROM jobs j
          WHERE j.queue = q.queue AND j.status = 'completed'
          ORDER BY j.id DESC
         OFFSET q."keepCompletedCount") AS ranked
   WHERE q."keepCompletedCount" IS NOT NULL
   LIMIT %(batch)s),
unlocked AS MATERIALIZED (
  SELECT j.id FROM jobs j WHERE j.id = ANY (ARRAY(SELECT id FROM old)) ORDER BY j.id FOR UPDATE SKIP LOCKED),
gone AS (
  DELETE FROM jobs j WHERE j.id = ANY (ARRAY(SELECT id FROM unlocked)) AND j.status = 'completed' RETURNING j.id),
attempt_rows AS (
  DELETE FROM job_attempts a WHERE a."jobId" = ANY (ARRAY(SELECT id FROM gone)))
SELECT count(*) AS deleted FROM gone
