-- Workers that have not left.
SELECT name, state FROM worker_status WHERE state <> 'stopped'
