-- Workers by their ids, in whatever state.
SELECT id, name, state, running, CAST(extract(epoch FROM clock_timestamp() - "heartbeatAt") AS float8) AS "heardSeconds"
  FROM worker_status
 WHERE id = ANY (%(ids)s)
