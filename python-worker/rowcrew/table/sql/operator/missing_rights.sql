-- The rights of rowcrew_worker (roles.sql, and the grants of families whose tables are there) that this role lacks.
WITH needed ("table", privileges) AS (VALUES
  ('jobs', ARRAY['SELECT', 'DELETE']),
  ('job_attempts', ARRAY['SELECT', 'INSERT', 'DELETE']),
  ('job_logs', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
  ('jobs_set_aside', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
  ('workers', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
  ('job_types', ARRAY['SELECT', 'INSERT', 'UPDATE']),
  ('queues', ARRAY['SELECT']),
  ('rowcrew_schema', ARRAY['SELECT']),
  ('rowcrew_migrations', ARRAY['SELECT']),
  ('job_status', ARRAY['SELECT']),
  ('queue_depth', ARRAY['SELECT']),
  ('worker_status', ARRAY['SELECT'])),
families ("table", privilege) AS (
  SELECT * FROM unnest(CAST(%(tables)s AS text[]), CAST(%(privileges)s AS text[]))),
needed_columns (privilege, columns) AS (VALUES
  ('INSERT', ARRAY['type', 'payload', 'queue', 'priority', 'runAt', 'maxAttempts', 'timeoutSeconds', 'uniqueKey',
                   'concurrencyKey', 'parentId']),
  ('UPDATE', ARRAY['status', 'attempts', 'crashes', 'runAt', 'workerId', 'leaseId', 'progress', 'checkpoint', 'result',
                   'errorMessage', 'startedAt', 'finishedAt', 'updatedAt', 'resultEmptiedAt',
                   'revision']))
SELECT privilege || ' ON ' || "table" AS missing
  FROM needed CROSS JOIN unnest(privileges) AS privilege
 WHERE NOT has_table_privilege(to_regclass("table"), privilege)  -- NULL where there is none, as `schema` tells
UNION ALL
SELECT privilege || ' ON ' || quote_ident("table")
  FROM families
 WHERE NOT has_table_privilege(to_regclass(quote_ident("table")), privilege)  -- NULL where there is no such table
UNION ALL
SELECT privilege || ' (' || string_agg(quote_ident(name), ', ') || ') ON jobs'
  FROM needed_columns CROSS JOIN unnest(columns) AS name
 WHERE NOT has_column_privilege('jobs', name, privilege)
 GROUP BY privilege
