-- Which server answers: the cluster it is of, and the timeline it writes, which is a new one after each promotion.
SELECT (SELECT system_identifier FROM pg_control_system())::text AS cluster,
       ltrim(left(pg_walfile_name(pg_current_wal_lsn()), 8), '0') AS timeline
