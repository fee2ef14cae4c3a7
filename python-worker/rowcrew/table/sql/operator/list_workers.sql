-- The workers that have not been forgotten yet, those heard last first; null = in whatever state.
SELECT id, name, host, pid, version, queues, types, slots, running, state, "startedAt", "heartbeatAt", "stoppedAt",
       "stopReason", "memoryBytes", "cpuPercent", restarts, launcher, "launchHandle", "launchedAt", "registeredAt", "errorMessage",
       CAST(extract(epoch FROM clock_timestamp() - "heartbeatAt") AS float8) AS "heardSeconds",
       CAST(extract(epoch FROM coalesce("stoppedAt", "heartbeatAt") - "startedAt") AS float8) AS "upSeconds"
  FROM worker_status
 WHERE (CAST(%(states)s AS text[]) IS NULL OR state = ANY (%(states)s))
 ORDER BY "heartbeatAt" DESC, id
 LIMIT %(limit)s
