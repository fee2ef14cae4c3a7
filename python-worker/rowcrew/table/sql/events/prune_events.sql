-- Delete events and messages that are old, among the oldest of each; how many there were.
WITH old AS MATERIALIZED (
  SELECT id FROM (SELECT id, "createdAt" FROM events ORDER BY id LIMIT %(batch)s) AS oldest
   WHERE "createdAt" < clock_timestamp() - %(keep)s * interval '1 s'),
told AS MATERIALIZED (
  SELECT id, receiver FROM (SELECT id, receiver, "createdAt" FROM event_messages ORDER BY id, receiver LIMIT %(batch)s) AS oldest
   WHERE "createdAt" < clock_timestamp() - %(keep)s * interval '1 s'),
gone AS (
  DELETE FROM events
   WHERE id = ANY (ARRAY(SELECT id FROM events WHERE id = ANY (ARRAY(SELECT id FROM old)) FOR UPDATE SKIP LOCKED))
  RETURNING id),
untold AS (
  DELETE FROM event_messages m USING told WHERE m.id = told.id AND m.receiver = told.receiver
  RETURNING m.id)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM untold) AS deleted
