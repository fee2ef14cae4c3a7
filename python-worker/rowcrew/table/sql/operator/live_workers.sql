-- How many workers live, also those that are asked to take no more jobs.
SELECT count(*) AS live FROM worker_status WHERE state IN ('live', 'draining', 'stopping')
