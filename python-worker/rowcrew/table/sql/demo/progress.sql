-- Watch jobs.
SELECT id, type, status, progress FROM jobs ORDER BY id
