-- Insert a schedule; answers its name, and nothing where there is one of this name.
INSERT INTO schedules (name, cron, "everySeconds", "timezone", "startAt", "endAt", type, payload, queue, priority, "maxAttempts",
                       "jitterSeconds", missed, overlap, "pauseAfterFailures", paused, source, "declaredBy")
SELECT name, cron, "everySeconds", coalesce("timezone", 'UTC'), "startAt", "endAt", type, coalesce(payload, '{}'), queue,
       priority, "maxAttempts", coalesce("jitterSeconds", 0), coalesce(missed, 'once'), coalesce(overlap, 'allow'),
       "pauseAfterFailures", coalesce(paused, false), coalesce(source, 'row'), "declaredBy"
  FROM jsonb_populate_record(NULL::schedules, CAST(%(schedule)s AS jsonb))
    ON CONFLICT (name) DO NOTHING
RETURNING name
