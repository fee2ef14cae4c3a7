-- Who is told of events: what waits for each, what it was told last, and what went wrong since.
SELECT r.name, r.via, r.target, r.kinds, r.queues, r.types,
       (SELECT count(*) FROM event_messages m
         WHERE m.receiver = r.name AND m."deliveredAt" IS NULL AND m."failedAt" IS NULL) AS waiting,
       (SELECT count(*) FROM event_messages m WHERE m.receiver = r.name AND m."failedAt" IS NOT NULL) AS failed,
       (SELECT max(m."deliveredAt") FROM event_messages m WHERE m.receiver = r.name) AS "toldAt",
       wrong.attempts, wrong.error
  FROM event_receivers r
  LEFT JOIN LATERAL (
       SELECT m.attempts, m.error
         FROM event_messages m
        WHERE m.receiver = r.name AND m."deliveredAt" IS NULL AND m.error IS NOT NULL
        ORDER BY m.attempts DESC, m.id DESC
        LIMIT 1) AS wrong ON true
 ORDER BY r.name
