-- Why queued jobs are not running: how many, and the first of them, by queue, type and reason.
SELECT queue, type, reason, count(*) AS jobs, min(id) AS "firstId"
  FROM job_why
 GROUP BY queue, type, reason
