-- The queue's tables under row level security for this role; `open` = a policy lets it read and change some rows.
SELECT class.relname AS "table", current_user AS role,
       (SELECT bool_or(polcmd IN ('*', 'r')) AND bool_or(polcmd IN ('*', 'w'))
          FROM pg_policy
         WHERE polrelid = class.oid AND polpermissive
           AND EXISTS (SELECT FROM unnest(polroles) AS given (role)
                        WHERE CASE WHEN role = 0 THEN true ELSE pg_has_role(role, 'USAGE') END)) IS TRUE AS open
  FROM unnest(ARRAY['jobs', 'job_attempts', 'workers', 'queues', 'job_types', 'schedules', 'schedule_ticks']) AS name
  JOIN pg_class class ON class.oid = to_regclass(name)
 WHERE row_security_active(class.oid)
 ORDER BY class.relname
