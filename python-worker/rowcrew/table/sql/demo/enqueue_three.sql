-- Four jobs, three and one, for three queues at once.
INSERT INTO jobs (type, queue, payload)
SELECT 'work_until', queue, '{"seen": "all six"}'
  FROM (VALUES ('ai_processing', 4), ('supabase_upload', 3),
               ('investor_processing', 1)) AS wanted (queue, jobs),
       generate_series(1, jobs)
RETURNING id
