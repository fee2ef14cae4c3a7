-- Delete those of these jobs that are completed and that nobody has locked, with their attempts.
WITH unlocked AS MATERIALIZED (
  SELECT j.id FROM jobs j WHERE j.id = ANY (%(only)s::bigint[]) ORDER BY j.id FOR UPDATE SKIP LOCKED),
gone AS (
  DELETE FROM jobs j WHERE j.id = ANY (ARRAY(SELECT id FROM unlocked)) AND j.status = 'completed' RETURNING j.id),
attempt_rows AS (
  DELETE FROM job_attempts a WHERE a."jobId" = ANY (ARRAY(SELECT id FROM gone))),
log_rows AS (
  DELETE FROM job_logs l WHERE l."jobId" = ANY (ARRAY(SELECT id FROM gone)))
SELECT count(*) AS deleted FROM gone
