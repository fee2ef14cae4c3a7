-- Five jobs for one queue.
INSERT INTO jobs (type, queue, payload)
SELECT 'work_until', 'ai_processing', '{"seen": "three of five"}'
  FROM generate_series(1, 5)
RETURNING id
