-- Write events, a JSON array: nothing waits for these rows, and whoever tells of them merges repeats.
INSERT INTO events (kind, subject, queue, type, count, detail)
SELECT kind, coalesce(subject, ''), coalesce(queue, ''), coalesce(type, ''), coalesce(count, 1), coalesce(detail, '{}')
  FROM jsonb_to_recordset(CAST(%(events)s AS jsonb)) AS happened (
       kind text, subject text, queue text, type text, count integer, detail jsonb)
RETURNING id
