-- How these jobs stand, and what each has said after a row, fifty rows at most. Asked once a second for all who watch.
SELECT asked.job AS id, asked.after, job.type, job.queue, job.status, job.attempts, job."maxAttempts",
       CAST(job.progress AS text) AS progress, job."errorMessage", job."runAt", job."startedAt", job."finishedAt",
       job."updatedAt", said.lines
  FROM unnest(CAST(%(jobs)s AS bigint[]), CAST(%(afters)s AS bigint[])) AS asked (job, after)
  JOIN jobs AS job ON job.id = asked.job
 CROSS JOIN LATERAL (
       SELECT CAST(coalesce(jsonb_agg(to_jsonb(one) ORDER BY one.id), '[]') AS text) AS lines
         FROM (SELECT id, attempt, "writtenAt", lines, dropped, text
                 FROM job_logs
                WHERE "jobId" = asked.job AND id > asked.after
                ORDER BY id
                LIMIT 50) AS one) AS said
