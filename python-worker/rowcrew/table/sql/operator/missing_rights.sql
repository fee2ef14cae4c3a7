-- The rights of rowcrew_worker (roles.sql, and the grants of families whose tables are there) that this role lacks.
WITH needed ("table", privileges) AS (VALUES
  ('jobs', ARRAY['SELECT', 'DELETE']),
  ('job_attempts', ARRAY['SELECT', 'INSERT', 'DELETE']),
  ('job_stats', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
  ('job_logs', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
  ('jobs_set_aside', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
  ('workers', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
  ('job_types', ARRAY['SELECT', 'INSERT', 'UPDATE']),
  ('schedules', ARRAY['SELECT', 'INSERT', 'UPDATE']),
  ('schedule_ticks', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
  ('queues', ARRAY['SELECT']),
  ('events', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
  ('event_messages', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
  ('event_receivers', ARRAY['SELECT']),
  ('queue_alarms', ARRAY['SELECT', 'UPDATE']),
  ('limits', ARRAY['SELECT']),
  ('starts', ARRAY['SELECT', 'INSERT', 'DELETE']),
  ('rowcrew_schema', ARRAY['SELECT']),
  ('rowcrew_migrations', ARRAY['SELECT']),
  ('job_status', ARRAY['SELECT']),
  ('job_why', ARRAY['SELECT']),
  ('queue_depth', ARRAY['SELECT']),
  ('worker_status', ARRAY['SELECT'])),
families ("table", privilege) AS (
  SELECT * FROM unnest(CAST(%(tables)s AS text[]), CAST(%(privileges)s AS text[]))),
needed_columns ("table", privilege, columns) AS (VALUES
  ('web_users', 'SELECT', ARRAY['name']),
  ('jobs', 'INSERT', ARRAY['id', 'type', 'payload', 'queue', 'priority', 'runAt', 'maxAttempts', 'timeoutSeconds',
                           'uniqueKey', 'concurrencyKey', 'parentId', 'waitsFor', 'waitPolicy', 'traceparent']),
  ('jobs', 'UPDATE', ARRAY['status', 'priority', 'attempts', 'crashes', 'runAt', 'workerId', 'leaseId', 'progress',
                           'checkpoint', 'result', 'errorMessage', 'startedAt', 'finishedAt', 'updatedAt', 'resultEmptiedAt', 'placeAt',
                           'waitsFor', 'waitPolicy', 'notBefore', 'watches', 'awaited', 'revision']),
  ('queues', 'INSERT', ARRAY['queue']),
  ('queues', 'UPDATE', ARRAY['label', 'paused', 'maxConcurrent', 'maxConcurrentPerKey', 'rateLimit', 'rateLimitPerKey',
                             'ratePeriodSeconds', 'until', 'timeoutSeconds', 'keepCompletedSeconds', 'keepFailedSeconds',
                             'keepCompletedCount', 'keepResultSeconds', 'rescueForeignSeconds', 'maxRuntimeSeconds',
                             'cooldownSeconds', 'maxJobsPerSession', 'idleTimeoutSeconds', 'launcher', 'launchCommand',
                             'checkIntervalSeconds', 'targetWaitSeconds', 'cpuPercent', 'memoryBytes', 'spawnedAt']),
  ('limits', 'UPDATE', ARRAY['maxConcurrent', 'rateLimit', 'ratePeriodSeconds', 'until']))
SELECT privilege || ' ON ' || "table" AS missing
  FROM needed CROSS JOIN unnest(privileges) AS privilege
 WHERE NOT has_table_privilege(to_regclass("table"), privilege)  -- NULL where there is none, as `schema` tells
UNION ALL
SELECT privilege || ' ON ' || quote_ident("table")
  FROM families
 WHERE NOT has_table_privilege(to_regclass(quote_ident("table")), privilege)  -- NULL where there is no such table
UNION ALL
SELECT privilege || ' (' || string_agg(quote_ident(name), ', ') || ') ON ' || "table"
  FROM needed_columns CROSS JOIN unnest(columns) AS name
 WHERE NOT has_column_privilege("table", name, privilege)
 GROUP BY "table", privilege
UNION ALL
SELECT 'USAGE ON jobs_id_seq' WHERE NOT has_sequence_privilege('jobs_id_seq', 'USAGE')
