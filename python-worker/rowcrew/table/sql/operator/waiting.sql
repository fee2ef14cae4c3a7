-- What waits, by queue and type: how much is ready and since when, how much is due later; the largest crowds first.
SELECT queue, type,
       count(*) FILTER (WHERE "runAt" <= now()) AS ready,
       extract(epoch FROM now() - min("runAt") FILTER (WHERE "runAt" <= now()))::float8 AS "oldestSeconds",
       count(*) FILTER (WHERE "runAt" > now()) AS later
  FROM jobs
 WHERE status = 'queued'
 GROUP BY queue, type
 ORDER BY ready DESC, queue, type
 LIMIT 50
