-- The rows that reserve would take now, or with limited also those that reserve_limited might, to find the odd one among them; with the size of their payloads as stored.
SELECT ready.id, ready.size AS "payloadBytes"
  FROM unnest(%(queues)s::text[], %(priorities)s::smallint[], %(floors)s::timestamptz[], %(floor_ids)s::bigint[])
       AS probe (queue, priority, floor, floor_id)
 CROSS JOIN LATERAL (
       SELECT id, pg_column_size(payload) AS size
         FROM jobs
        WHERE queue = probe.queue AND status = 'queued' AND priority = probe.priority
          AND "runAt" <= now() AND ("runAt", id) > (least(probe.floor, now() - interval '100 milliseconds'),
              CASE WHEN probe.floor <= now() - interval '100 milliseconds' THEN probe.floor_id ELSE 0 END)
          AND type = ANY (%(types)s::text[])
          AND id NOT IN (SELECT "jobId" FROM jobs_set_aside WHERE "nextTryAt" > now())
          AND (%(limited)s OR "concurrencyKey" IS NULL OR "concurrencyKey" NOT IN (SELECT key FROM limits))
        ORDER BY "runAt", id
        LIMIT %(room)s) AS ready
 WHERE %(limited)s OR probe.queue <> ALL (ARRAY(SELECT queue FROM queues WHERE limited))
 LIMIT %(room)s
