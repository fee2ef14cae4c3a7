-- How large each of these tables is and how vacuum keeps up with it, the largest first; rows as the server estimates them.
SELECT class.relname AS "table", pg_relation_size(class.oid) AS "rowBytes", pg_table_size(class.oid) AS "tableBytes",
       pg_indexes_size(class.oid) AS "indexBytes",
       CAST(greatest(class.reltuples, 0) AS bigint) AS rows, coalesce(stat.n_dead_tup, 0) AS "deadRows",
       CAST(coalesce(options.threshold, CAST(current_setting('autovacuum_vacuum_threshold') AS float8))
            + coalesce(options.scale, CAST(current_setting('autovacuum_vacuum_scale_factor') AS float8))
            * greatest(class.reltuples, 0) AS bigint) AS "vacuumedFrom",
       coalesce(options.enabled, true) AS "isVacuumed", vacuum.pid IS NOT NULL AS "isVacuuming",
       greatest(stat.last_vacuum, stat.last_autovacuum) AS "vacuumedAt",
       greatest(stat.last_analyze, stat.last_autoanalyze) AS "analyzedAt"
  FROM pg_class class
  LEFT JOIN pg_stat_user_tables stat ON stat.relid = class.oid
  LEFT JOIN pg_stat_progress_vacuum vacuum ON vacuum.relid = class.oid
 CROSS JOIN LATERAL (
       SELECT CAST(max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold') AS float8) AS threshold,
              CAST(max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor') AS float8) AS scale,
              CAST(max(option_value) FILTER (WHERE option_name = 'autovacuum_enabled') AS boolean) AS enabled
         FROM pg_options_to_table(class.reloptions)) AS options
 WHERE class.oid IN (SELECT CAST(to_regclass(quote_ident(name)) AS oid)
                       FROM unnest(CAST(%(tables)s AS text[])) AS name)
 ORDER BY pg_total_relation_size(class.oid) DESC, class.relname
