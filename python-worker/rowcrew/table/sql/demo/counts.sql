-- How many jobs stand where.
SELECT status, COUNT(*) FROM jobs GROUP BY status;
