-- What workers have counted since a moment, minute by minute, before these are merged into hours.
SELECT "endsAt", "workerId", queue, type, outcome, count, "runSeconds", "runBuckets", "runCounts",
       "waitSeconds", "waitBuckets", "waitCounts"
  FROM job_stats
 WHERE seconds = 60 AND "endsAt" > CAST(%(since)s AS timestamptz)
