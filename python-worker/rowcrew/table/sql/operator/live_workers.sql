-- How many workers live.
SELECT count(*) AS live FROM worker_status WHERE state = 'live'
