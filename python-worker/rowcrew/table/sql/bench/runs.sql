-- Jobs after one whose handlers answered with a time: their ids, numbers, when reserved, and that time.
SELECT id, (payload->>'number')::integer, extract(epoch FROM "startedAt")::float8, result::text::float8
  FROM jobs
 WHERE id > %(after)s AND status = 'completed'
