-- How jobs stand, and how many workers there are.
SELECT count(*) FILTER (WHERE status = 'queued' AND "runAt" <= now()) AS ready,
       count(*) FILTER (WHERE status = 'processing') AS running,
       count(*) FILTER (WHERE status = 'completed') AS completed,
       (SELECT count(*) FROM worker_status WHERE state IN ('live', 'launching')) AS workers
  FROM jobs WHERE id = ANY (%(ids)s)
