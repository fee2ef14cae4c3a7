-- Give a queue a row of its own, with nothing set.
INSERT INTO queues (queue) VALUES (%(queue)s) ON CONFLICT DO NOTHING
