-- The next jobs that a look would begin with, to find the odd one among them; none that is set aside.
SELECT id
  FROM jobs
 WHERE watches IN (-1, 0) AND id NOT IN (SELECT "jobId" FROM jobs_set_aside WHERE "nextTryAt" > now())
 ORDER BY watches, id
 LIMIT 1000
