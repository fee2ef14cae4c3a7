-- How many workers there have been.
SELECT count(*) AS workers FROM workers
