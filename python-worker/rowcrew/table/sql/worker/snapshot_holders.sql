-- Who keeps vacuum from removing dead rows of this database, and has for long; what holds most first. A role sees of
-- other roles' sessions nothing without pg_read_all_stats. Vacuum itself holds nothing up.
SELECT kind, pid, role, name, state, since,
       extract(epoch FROM clock_timestamp() - since)::float8 AS seconds, transactions
  FROM (
    SELECT 'session' AS kind, a.pid, a.usename::text AS role, a.application_name AS name,
           coalesce(a.state, 'active') AS state, a.xact_start AS since,
           greatest(age(a.backend_xmin), age(a.backend_xid)) AS transactions
      FROM pg_stat_activity a
     WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
       AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
       AND a.xact_start <= clock_timestamp() - %(seconds)s * interval '1 second'
       AND a.pid NOT IN (SELECT v.pid FROM pg_stat_progress_vacuum v)
    UNION ALL
    SELECT 'prepared transaction', NULL, p.owner::text, p.gid, 'prepared', p.prepared, age(p.transaction)
      FROM pg_prepared_xacts p
     WHERE p.database = current_database()
       AND p.prepared <= clock_timestamp() - %(seconds)s * interval '1 second'
    UNION ALL
    SELECT 'replication slot', s.active_pid, NULL, s.slot_name::text,
           CASE WHEN s.active THEN 'in use' ELSE 'not in use' END, NULL, age(s.xmin)
      FROM pg_replication_slots s
     WHERE age(s.xmin) >= %(transactions)s
    UNION ALL
    SELECT 'stand-by', r.pid, r.usename::text, r.application_name, coalesce(r.state, 'connected'), NULL,
           age(r.backend_xmin)
      FROM pg_stat_replication r
     WHERE age(r.backend_xmin) >= %(transactions)s) AS holders
 ORDER BY transactions DESC, since
