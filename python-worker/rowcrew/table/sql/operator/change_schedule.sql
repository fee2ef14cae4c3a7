-- Change the columns of a schedule that a JSON object names; answers its name, and nothing where there is none.
UPDATE schedules AS s
   SET (cron, "everySeconds", "timezone", "startAt", "endAt", type, payload, queue, priority, "maxAttempts", "jitterSeconds",
        missed, overlap, "pauseAfterFailures", paused, "pauseReason", problem)
     = (SELECT n.cron, n."everySeconds", n."timezone", n."startAt", n."endAt", n.type, n.payload, n.queue, n.priority,
               n."maxAttempts", n."jitterSeconds", n.missed, n.overlap, n."pauseAfterFailures", n.paused, n."pauseReason",
               n.problem
          FROM jsonb_populate_record(s, CAST(%(changes)s AS jsonb)) AS n),
       "updatedAt" = clock_timestamp()
 WHERE name = %(name)s
RETURNING name
