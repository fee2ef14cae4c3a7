-- What there is to know of the server, this session and its role.
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS "versionNumber",
       current_user AS role, current_database() AS database, clock_timestamp() AS clock,
       current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS "readOnly",
       current_setting('default_transaction_isolation') AS isolation,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true), '0')::int AS "maxConnections",
       (SELECT count(*) FROM pg_stat_activity
         WHERE datid IS NOT NULL AND NOT starts_with(application_name, 'rowcrew ')) AS "othersConnections"
