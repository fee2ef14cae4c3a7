-- Merge the events of each subject into a message for each receiver that wants them. What was told just now waits.
-- The lock keeps two workers from telling of a subject in two messages; that no event is in two, its row lock does.
WITH RECURSIVE turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(821736, 0) AS mine),
subjects AS (  -- one step through the index for each, however many events it has
  (SELECT next.kind, next.subject, next.queue, next.type
     FROM turn
    CROSS JOIN LATERAL (
          SELECT kind, subject, queue, type FROM events WHERE "messageId" IS NULL
           ORDER BY kind, subject, queue, type LIMIT 1) AS next
    WHERE turn.mine)
  UNION ALL
  SELECT next.kind, next.subject, next.queue, next.type
    FROM subjects AS last
   CROSS JOIN LATERAL (
         SELECT kind, subject, queue, type FROM events
          WHERE "messageId" IS NULL AND (kind, subject, queue, type) > (last.kind, last.subject, last.queue, last.type)
          ORDER BY kind, subject, queue, type LIMIT 1) AS next),
due AS (
  SELECT kind, subject, queue, type
    FROM subjects
   WHERE coalesce((SELECT max(m."createdAt") FROM event_messages m
                    WHERE (m.kind, m.subject, m.queue, m.type) =
                          (subjects.kind, subjects.subject, subjects.queue, subjects.type))
                  < clock_timestamp() - %(merge_seconds)s * interval '1 s', true)),
mine AS MATERIALIZED (
  SELECT event.*
    FROM due
   CROSS JOIN LATERAL (
         SELECT id, kind, subject, queue, type, count, "createdAt"
           FROM events e
          WHERE e."messageId" IS NULL AND (e.kind, e.subject, e.queue, e.type) = (due.kind, due.subject, due.queue, due.type)
          ORDER BY e.id LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED) AS event
   LIMIT %(most)s),
merged AS MATERIALIZED (
  SELECT min(id) AS id, max(id) AS newest, sum(count) AS count, kind, subject, queue, type,
         min("createdAt") AS first, max("createdAt") AS last
    FROM mine
   GROUP BY kind, subject, queue, type),
marked AS (
  UPDATE events e
     SET "messageId" = merged.id
    FROM mine
    JOIN merged USING (kind, subject, queue, type)
   WHERE e.id = mine.id),
told AS (
  INSERT INTO event_messages (id, receiver, count, kind, subject, queue, type, detail, "firstAt", "lastAt")
  SELECT merged.id, r.name, merged.count, merged.kind, merged.subject, merged.queue, merged.type,
         (SELECT detail FROM events e WHERE e.id = merged.newest), merged.first, merged.last
    FROM merged
    JOIN event_receivers r
      ON (r.kinds = '{}' OR merged.kind = ANY (r.kinds)) AND (r.queues = '{}' OR merged.queue = ANY (r.queues))
     AND (r.types = '{}' OR merged.type = ANY (r.types))
     AND merged.last > r."createdAt" - interval '1 hour'  -- a new receiver is not told of last month
  RETURNING id)
SELECT (SELECT count(*) FROM mine) AS events, (SELECT count(*) FROM told) AS messages
