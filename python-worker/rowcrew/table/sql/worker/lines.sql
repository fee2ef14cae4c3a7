-- Which (queue, priority) pairs have queued rows, by a loose index scan of one step a pair; two times to set floors by; and limits.
WITH RECURSIVE line AS (
  (SELECT queue, priority
     FROM jobs
    WHERE status = 'queued' AND (%(queues)s::text[] IS NULL OR queue = ANY (%(queues)s::text[]))
    ORDER BY queue, priority DESC
    LIMIT 1)
  UNION ALL
  SELECT next.queue, next.priority
    FROM line
   CROSS JOIN LATERAL (
         (SELECT j.queue, j.priority
            FROM jobs j
           WHERE j.status = 'queued' AND j.queue = line.queue AND j.priority < line.priority
           ORDER BY j.queue, j.priority DESC
           LIMIT 1)
         UNION ALL
         (SELECT j.queue, j.priority
            FROM jobs j
           WHERE j.status = 'queued' AND j.queue > line.queue
             AND (%(queues)s::text[] IS NULL OR j.queue = ANY (%(queues)s::text[]))
           ORDER BY j.queue, j.priority DESC
           LIMIT 1)
         ORDER BY queue, priority DESC
         LIMIT 1) AS next)
SELECT ((now() - interval '10 seconds') AT TIME ZONE 'UTC')::text AS settled,
       ((now() - interval '60 seconds') AT TIME ZONE 'UTC')::text AS recent,
       line.queue, line.priority, coalesce(q.paused, false) AS paused, coalesce(q.limited, false) AS limited,
       coalesce(q."maxConcurrentPerKey", q."rateLimitPerKey") IS NOT NULL AS "perKey",
       (SELECT true
          FROM limits
         CROSS JOIN LATERAL (
               SELECT FROM jobs
                WHERE queue = line.queue AND status = 'queued' AND "concurrencyKey" = limits.key AND "runAt" <= now()
                LIMIT 1) AS first
         LIMIT 1) IS TRUE AS "namedKeys",
       q.limited AND clock_timestamp() < q."limitedAt" + interval '1 minute' IS TRUE AS "isNew"
  FROM (SELECT) AS once
  LEFT JOIN (SELECT queue, priority FROM line
             UNION ALL
             SELECT queue, NULL FROM queues  -- where the first row will come
              WHERE limited AND NOT paused AND (%(queues)s::text[] IS NULL OR queue = ANY (%(queues)s::text[]))
                AND queue NOT IN (SELECT queue FROM line)) AS line ON true
  LEFT JOIN queues q ON q.queue = line.queue
