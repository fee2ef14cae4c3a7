-- What waits, by queue and type: how much is ready and since when, how much is due later (what waits for other jobs is neither); the largest crowds first.
SELECT queue, type,
       count(*) FILTER (WHERE "runAt" <= now()) AS ready,
       extract(epoch FROM now() - min("runAt") FILTER (WHERE "runAt" <= now()))::float8 AS "oldestSeconds",
       count(*) FILTER (WHERE "runAt" > now() AND watches IS NULL) AS later
  FROM jobs
 WHERE status = 'queued'
 GROUP BY queue, type
 ORDER BY ready DESC, queue, type
 LIMIT 50
