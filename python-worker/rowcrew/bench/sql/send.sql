-- Make one ready job for a benchmark, the way a producer does.
INSERT INTO jobs (type, payload) VALUES (%(type)s, '{"number": 1}') RETURNING id
