-- Who receives the server's WAL or makes it keep some: stand-bys, and replication slots; whoever is furthest behind first.
SELECT receiver.kind, receiver.name, receiver.state, receiver.seconds AS "lagSeconds",
       CAST(pg_wal_lsn_diff(here.lsn, receiver.lsn) AS bigint) AS "lagBytes"
  FROM (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn) AS here
 CROSS JOIN (
       SELECT 'stand-by' AS kind, application_name AS name, coalesce(state, 'hidden') AS state,
              CAST(extract(epoch FROM replay_lag) AS float8) AS seconds, replay_lsn AS lsn
         FROM pg_stat_replication
        UNION ALL
       SELECT 'slot', CAST(slot_name AS text), CASE WHEN active THEN 'in use' ELSE 'not in use' END, NULL, restart_lsn
         FROM pg_replication_slots) AS receiver
 ORDER BY "lagBytes" DESC NULLS LAST, receiver.name
 LIMIT 20
