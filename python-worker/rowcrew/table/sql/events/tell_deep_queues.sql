-- Tell of queues where more jobs are ready than their alarm allows. Whoever comes first looks, once a minute and queue.
WITH looked AS MATERIALIZED (
  UPDATE queue_alarms q
     SET "lookedAt" = clock_timestamp()
   WHERE q.queue = ANY (ARRAY(SELECT queue FROM queue_alarms
                               WHERE coalesce("lookedAt" < clock_timestamp() - interval '55 s', true)
                                 FOR NO KEY UPDATE SKIP LOCKED))
  RETURNING q.queue, q."readyAbove"),
counted AS (
  SELECT looked.queue, looked."readyAbove", ready.jobs, ready.oldest
    FROM looked
   CROSS JOIN LATERAL (
         SELECT count(*) AS jobs, min("runAt") AS oldest
           FROM (SELECT "runAt" FROM jobs
                  WHERE queue = looked.queue AND status = 'queued' AND "runAt" <= now()
                  LIMIT looked."readyAbove"::bigint + 100000) AS counts) AS ready)
INSERT INTO events (kind, subject, queue, detail)
SELECT 'queue.depth.high', queue, queue,
       jsonb_build_object('ready', jobs, 'readyAbove', "readyAbove",
                          'oldestSeconds', round(extract(epoch FROM clock_timestamp() - oldest)))
  FROM counted
 WHERE jobs > "readyAbove"
RETURNING queue
