-- A job that nobody may begin before tomorrow.
INSERT INTO jobs (type, queue, "runAt")
VALUES ('short_work', 'ai_processing', now() + interval '1 day')
