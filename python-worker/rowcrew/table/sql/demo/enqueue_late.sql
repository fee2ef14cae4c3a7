-- A job that comes when the worker takes no more.
INSERT INTO jobs (type, payload) VALUES ('short_work', '{"steps": 1}')
