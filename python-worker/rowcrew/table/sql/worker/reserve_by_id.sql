-- Reserve up to room ready jobs by id alone: the first of every line are compared. Else as reserve does.
UPDATE jobs
   SET status = 'processing', attempts = attempts + 1, "workerId" = %(worker)s, "leaseId" = gen_random_uuid(),
       "startedAt" = clock_timestamp(), "placeAt" = NULL, "finishedAt" = NULL, "updatedAt" = clock_timestamp(), revision = revision + 1
 WHERE ctid = ANY (ARRAY(
       SELECT ready.place
         FROM unnest(%(queues)s::text[], %(priorities)s::smallint[], %(floors)s::timestamptz[], %(floor_ids)s::bigint[])
              AS probe (queue, priority, floor, floor_id)
        CROSS JOIN LATERAL (
              SELECT id, ctid AS place
                FROM jobs
               WHERE queue = probe.queue AND status = 'queued' AND priority = probe.priority
                 -- A row may commit after others with a later "runAt": so near to now no floor counts.
                 AND "runAt" <= now() AND ("runAt", id) > (least(probe.floor, now() - interval '100 milliseconds'),
                     CASE WHEN probe.floor <= now() - interval '100 milliseconds' THEN probe.floor_id ELSE 0 END)
                 AND type = ANY (%(types)s::text[])
                 AND id NOT IN (SELECT "jobId" FROM jobs_set_aside WHERE "nextTryAt" > now())
                 AND (%(only)s::bigint[] IS NULL OR id = ANY (%(only)s::bigint[]))
                 -- Keys with a limit of their own are reserve_limited's; a row without a key asks nothing.
                 AND ("concurrencyKey" IS NULL OR "concurrencyKey" NOT IN (SELECT key FROM limits))
               ORDER BY "runAt", id
               LIMIT %(room)s
                 FOR NO KEY UPDATE SKIP LOCKED) AS ready
        -- So are queues with a limit. Asked here, so that what a worker knows need not be fresh.
        WHERE probe.queue <> ALL (ARRAY(SELECT queue FROM queues WHERE limited))
        ORDER BY ready.id
        LIMIT %(room)s))
   AND NOT EXISTS (SELECT FROM workers WHERE id = %(worker)s AND "lostAt" IS NOT NULL)
RETURNING id, "leaseId"::text AS "leaseId", type, queue, priority, attempts AS attempt, "maxAttempts", crashes, "timeoutSeconds",
          ("runAt" AT TIME ZONE 'UTC')::text AS "runAt", payload::text AS payload, checkpoint::text AS checkpoint,
          extract(epoch FROM "startedAt" - "runAt")::float8 AS "waitSeconds", left(traceparent, 55) AS traceparent
