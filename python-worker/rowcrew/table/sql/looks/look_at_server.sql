-- How the server and this database stand: connections, WAL, the age of transaction ids. A role sees of other roles'
-- sessions only that they are there, without pg_read_all_stats.
SELECT current_setting('server_version') AS version, current_database() AS database,
       CAST(extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()) AS float8) AS "upSeconds",
       pg_is_in_recovery() AS "isStandby", pg_database_size(current_database()) AS bytes,
       CAST(current_setting('max_connections') AS integer)
       - CAST(current_setting('superuser_reserved_connections') AS integer)
       - coalesce(CAST(current_setting('reserved_connections', true) AS integer), 0) AS "maxConnections",
       sessions.connections, sessions."ownConnections", sessions.idle AS "idleInTransaction",
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS "seesSessions",
       CAST((SELECT wal_bytes FROM pg_stat_wal) AS bigint) AS "walBytes",
       (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()) AS "frozenAge",
       CAST(current_setting('autovacuum_freeze_max_age') AS bigint) AS "freezeFrom",
       current_setting('autovacuum') = 'on' AND current_setting('track_counts') = 'on' AS "isVacuumed",
       (SELECT count(*) FROM pg_stat_progress_vacuum) AS vacuums,
       CAST(current_setting('autovacuum_max_workers') AS integer) AS "maxVacuums"
  FROM (SELECT count(*) AS connections,
               count(*) FILTER (WHERE starts_with(application_name, 'rowcrew ')) AS "ownConnections",
               count(*) FILTER (WHERE starts_with(state, 'idle in transaction')
                                  AND state_change < clock_timestamp() - interval '1 minute') AS idle
          FROM pg_stat_activity
         WHERE datid IS NOT NULL) AS sessions
