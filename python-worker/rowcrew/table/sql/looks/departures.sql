-- The workers that left or were lost since a moment.
SELECT id, queues, coalesce("stopReason", 'lost') AS reason, coalesce("stoppedAt", "lostAt") AS "leftAt"
  FROM workers
 WHERE coalesce("stoppedAt", "lostAt") > CAST(%(since)s AS timestamptz)
