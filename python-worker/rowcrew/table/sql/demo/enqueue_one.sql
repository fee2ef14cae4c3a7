-- A job that takes a second.
INSERT INTO jobs (type, queue, payload)
VALUES ('short_work', 'ai_processing', '{"steps": 1}')
RETURNING id
