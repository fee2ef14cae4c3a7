-- Put back the limits that held until a time that has passed; what somebody is changing now waits for the next time.
WITH due_queues AS MATERIALIZED (
  SELECT queue AS name, former FROM queues WHERE until <= clock_timestamp() FOR NO KEY UPDATE SKIP LOCKED),
due_keys AS MATERIALIZED (
  SELECT key AS name, former FROM limits WHERE until <= clock_timestamp() FOR NO KEY UPDATE SKIP LOCKED),
of_queues AS (
  UPDATE queues
     SET paused = was.paused, "maxConcurrent" = was."maxConcurrent", "maxConcurrentPerKey" = was."maxConcurrentPerKey",
         "rateLimit" = was."rateLimit", "rateLimitPerKey" = was."rateLimitPerKey",
         "ratePeriodSeconds" = was."ratePeriodSeconds", until = NULL
    FROM queues AS now JOIN due_queues ON name = now.queue CROSS JOIN LATERAL jsonb_populate_record(now, due_queues.former) AS was
   WHERE queues.queue = now.queue
  RETURNING name),
of_keys AS (
  UPDATE limits
     SET "maxConcurrent" = was."maxConcurrent", "rateLimit" = was."rateLimit",
         "ratePeriodSeconds" = was."ratePeriodSeconds", until = NULL
    FROM limits AS now JOIN due_keys ON name = now.key CROSS JOIN LATERAL jsonb_populate_record(now, due_keys.former) AS was
   WHERE limits.key = now.key
  RETURNING name)
SELECT 'queue' AS kind, name FROM of_queues
UNION ALL
SELECT 'key', name FROM of_keys
