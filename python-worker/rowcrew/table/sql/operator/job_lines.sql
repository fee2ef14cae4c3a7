-- What a job has said after a row, oldest first.
SELECT id, attempt, "writtenAt", lines, dropped, text
  FROM job_logs
 WHERE "jobId" = CAST(%(job)s AS bigint) AND id > CAST(%(after)s AS bigint)
 ORDER BY id
