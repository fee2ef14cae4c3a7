-- The queues that have a limit: how many live workers serve each, and how many may.
SELECT queue, (SELECT count(*) FROM worker_status
                WHERE state = 'live' AND (queues = '{}' OR limited.queue = ANY (queues))) AS live,  -- none named: all queues
       "maxConcurrent" AS allowed
  FROM queues AS limited
 WHERE "maxConcurrent" IS NOT NULL
 ORDER BY queue
