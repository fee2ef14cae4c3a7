-- The newest events, each with how far the telling of it has come.
SELECT e.id, e.kind, e.subject, e.queue, e.type, e.count, e."createdAt", e."messageId", telling.state, telling.receivers,
       telling.told, telling.error, e.detail::text AS detail
  FROM events e
 CROSS JOIN LATERAL (
       SELECT CASE WHEN e."messageId" IS NULL THEN 'waiting'
                   WHEN count(*) = 0 THEN 'unheard'
                   WHEN bool_or("failedAt" IS NOT NULL) THEN 'failed'
                   WHEN count("deliveredAt") = count(*) THEN 'told'
                   ELSE 'waiting' END AS state,
              count(*) AS receivers, count("deliveredAt") AS told,
              (array_agg(m.receiver || ': ' || m.error ORDER BY m.receiver) FILTER (WHERE m.error IS NOT NULL))[1] AS error
         FROM event_messages m
        WHERE m.id = e."messageId") AS telling
 WHERE (CAST(%(kinds)s AS text[]) IS NULL OR e.kind = ANY (CAST(%(kinds)s AS text[])))
   AND (CAST(%(states)s AS text[]) IS NULL OR telling.state = ANY (CAST(%(states)s AS text[])))
 ORDER BY e.id DESC
 LIMIT %(limit)s
