-- Completed jobs beyond the number a queue keeps, at most a batch, without those passed by.
SELECT ranked.id
  FROM queues q
 CROSS JOIN LATERAL (
       SELECT j.id
         FROM jobs j
        WHERE j.queue = q.queue AND j.status = 'completed'
        ORDER BY j.id DESC
       OFFSET q."keepCompletedCount") AS ranked
 WHERE q."keepCompletedCount" IS NOT NULL AND ranked.id <> ALL (%(besides)s::bigint[])
 LIMIT %(batch)s
