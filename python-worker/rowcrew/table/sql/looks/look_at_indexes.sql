-- The indexes of these tables, the largest first, with how many entries the server believes them to have; thirty at most.
SELECT class.relname AS index, tables.relname AS "table", pg_relation_size(class.oid) AS bytes,
       CAST(greatest(class.reltuples, 0) AS bigint) AS entries, coalesce(stat.idx_scan, 0) AS scans,
       indexes.indisvalid AS "isValid", indexes.indisunique AS "isUnique"
  FROM pg_index indexes
  JOIN pg_class class ON class.oid = indexes.indexrelid
  JOIN pg_class tables ON tables.oid = indexes.indrelid
  LEFT JOIN pg_stat_user_indexes stat ON stat.indexrelid = class.oid
 WHERE tables.oid IN (SELECT CAST(to_regclass(quote_ident(name)) AS oid)
                        FROM unnest(CAST(%(tables)s AS text[])) AS name)
 ORDER BY indexes.indisvalid, pg_relation_size(class.oid) DESC, class.relname
 LIMIT 30
