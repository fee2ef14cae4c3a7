-- What completed jobs have returned.
SELECT id, type, result FROM jobs WHERE status = 'completed' ORDER BY id
