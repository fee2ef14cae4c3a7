-- The workers that a spawner has started since a moment.
SELECT id, queues, "launchedAt"
  FROM workers
 WHERE "launchedAt" > CAST(%(since)s AS timestamptz)
