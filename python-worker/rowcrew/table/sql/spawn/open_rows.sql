-- Which of these workers' rows are still open, with the count of their heartbeats.
SELECT id, beats, "registeredAt" IS NOT NULL AS registered
  FROM workers
 WHERE id = ANY (%(workers)s) AND "stoppedAt" IS NULL AND "lostAt" IS NULL
