-- Take the lock of a limited queue, and of the keys with a limit of their own that wait in it, as far as they are free.
WITH waiting AS MATERIALIZED (
  SELECT l.key
    FROM limits l
   CROSS JOIN LATERAL (
         SELECT FROM jobs
          WHERE queue = %(queue)s AND status = 'queued' AND "concurrencyKey" = l.key AND "runAt" <= now()
          LIMIT 1) AS first
   -- A reservation from before the limit may still be under way.
   WHERE l."createdAt" < clock_timestamp() - interval '1 second'
   ORDER BY l.key <= %(after)s, l.key  -- in turns
   LIMIT 200)
SELECT ARRAY(SELECT key FROM waiting WHERE pg_try_advisory_xact_lock(821734, hashtext('key ' || key))) AS keys,
       q.queue IS NOT NULL AS limited,
       q.queue IS NULL OR pg_try_advisory_xact_lock(821734, hashtext('queue ' || q.queue)) AS locked
  FROM (SELECT) AS once
  LEFT JOIN queues q ON q.queue = %(queue)s AND q.limited AND NOT q.paused
