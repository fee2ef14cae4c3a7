-- How far the rows that begin each line have keys under limits: floors may stand there, for those rows are found by their keys.
SELECT probe.queue, probe.priority, (front."runAt" AT TIME ZONE 'UTC')::text AS "runAt", front.id
  FROM unnest(%(queues)s::text[], %(priorities)s::smallint[], %(floors)s::timestamptz[], %(floor_ids)s::bigint[])
       AS probe (queue, priority, floor, floor_id)
 CROSS JOIN LATERAL (
       SELECT "runAt", id, bool_and(held) OVER (ORDER BY "runAt", id) AS leads
         FROM (SELECT "runAt", id, "concurrencyKey" IS NOT NULL
                      AND (%(per_key)s OR "concurrencyKey" IN (SELECT key FROM limits)) AS held
                 FROM jobs
                WHERE queue = probe.queue AND status = 'queued' AND priority = probe.priority
                  AND "runAt" <= now() AND ("runAt", id) > (probe.floor, probe.floor_id)
                ORDER BY "runAt", id
                LIMIT 20000) AS first
        ORDER BY leads DESC, "runAt" DESC, id DESC
        LIMIT 1) AS front
 WHERE front.leads
