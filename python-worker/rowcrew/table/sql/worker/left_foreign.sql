-- Rows that another program set to processing and left, in queues that ask to give such back; none that is set aside.
SELECT j.id
  FROM jobs j
  JOIN queues q ON q.queue = j.queue
 WHERE j.status = 'processing' AND j."workerId" IS NULL
   AND j."updatedAt" < clock_timestamp() - q."rescueForeignSeconds" * interval '1 second'
   AND j.id NOT IN (SELECT "jobId" FROM jobs_set_aside WHERE "nextTryAt" > now())
 ORDER BY j.id
 LIMIT 1000
