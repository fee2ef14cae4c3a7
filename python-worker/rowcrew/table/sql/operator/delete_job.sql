-- Delete those of the jobs that have ended, with their attempts; answers which.
WITH gone AS (
  DELETE FROM jobs
   WHERE id = ANY (ARRAY(
           SELECT id FROM jobs
            WHERE id = ANY (CAST(%(ids)s AS bigint[])) AND status IN ('completed', 'failed', 'cancelled')
            ORDER BY id
              FOR UPDATE))
  RETURNING id),
attempt_rows AS (
  DELETE FROM job_attempts WHERE "jobId" = ANY (ARRAY(SELECT id FROM gone))),
log_rows AS (
  DELETE FROM job_logs WHERE "jobId" = ANY (ARRAY(SELECT id FROM gone)))
SELECT id FROM gone
