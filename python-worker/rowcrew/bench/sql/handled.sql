-- Completed jobs after one, whose handlers answered with the time they began: when reserved, and that time.
SELECT id, (payload->>'number')::integer AS number, extract(epoch FROM "startedAt")::float8 AS reserved,
       result::text::float8 AS began
  FROM jobs
 WHERE id > %(after)s AND status = 'completed'
