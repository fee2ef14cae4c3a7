-- Which (queue, priority) pairs have queued rows, by a loose index scan of one step a pair; and two times to set floors by.
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
       line.queue, line.priority
  FROM (SELECT) AS once
  LEFT JOIN line ON true
