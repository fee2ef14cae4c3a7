-- Delete old events and messages, the oldest first; how many there were.
WITH old AS (
  DELETE FROM events
   WHERE id = ANY (ARRAY(SELECT id FROM events WHERE "createdAt" < clock_timestamp() - %(keep)s * interval '1 s'
                          ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
  RETURNING id),
told AS (
  DELETE FROM event_messages
   WHERE id = ANY (ARRAY(SELECT id FROM event_messages WHERE "createdAt" < clock_timestamp() - %(keep)s * interval '1 s'
                          ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
     AND "createdAt" < clock_timestamp() - %(keep)s * interval '1 s'
  RETURNING id)
SELECT (SELECT count(*) FROM old) + (SELECT count(*) FROM told) AS deleted
