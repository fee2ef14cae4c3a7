-- A job that can end within the grace of a worker, and one that cannot.
INSERT INTO jobs (type, payload)
VALUES ('short_work', '{"steps": 4}'), ('long_work', '{"steps": 600}')
RETURNING id
