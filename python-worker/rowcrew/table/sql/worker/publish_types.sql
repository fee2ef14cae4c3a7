-- Publish what this worker's crew can run.
INSERT INTO job_types (type, queue, executor, "timeoutSeconds", "maxAttempts", priority, description, "payloadSchema",
                       "keepResultSeconds")
SELECT type, queue, executor, ceil("timeoutSeconds"), "maxAttempts", priority, description, "payloadSchema",
       ceil("keepResultSeconds")
  FROM jsonb_to_recordset(%(types)s::jsonb) AS t (
       type text, queue text, executor text, "timeoutSeconds" float8, "maxAttempts" int, priority int,
       description text, "payloadSchema" jsonb, "keepResultSeconds" float8)
 ORDER BY type
ON CONFLICT (type) DO UPDATE
   SET queue = excluded.queue, executor = excluded.executor, "timeoutSeconds" = excluded."timeoutSeconds",
       "maxAttempts" = excluded."maxAttempts", priority = excluded.priority, description = excluded.description,
       "payloadSchema" = excluded."payloadSchema", "keepResultSeconds" = excluded."keepResultSeconds",
       "updatedAt" = clock_timestamp()
