-- The workers.
SELECT id, name, state, running, "stopReason" FROM worker_status
