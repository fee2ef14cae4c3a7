-- What the catalogue says of these tables and views, part by part; in the schema of Rowcrew's own and nowhere else.
WITH home AS MATERIALIZED (
    -- Definitions read the same wherever they are asked for: names without a schema, moments in UTC.
    SELECT namespace.oid, quote_ident(namespace.nspname) AS name, current_schemas(false) AS around,
           set_config('search_path', quote_ident(namespace.nspname), true) AS path,
           set_config('TimeZone', 'UTC', true) AS zone,
           set_config('quote_all_identifiers', 'off', true) AS quotes
      FROM pg_class class JOIN pg_namespace namespace ON namespace.oid = class.relnamespace
     WHERE class.oid = coalesce(to_regclass('rowcrew_schema'), to_regclass('rowcrew_migrations'))
), relations AS MATERIALIZED (
    SELECT class.oid, class.relname, class.relkind, class.relpersistence, class.reloptions
      FROM home JOIN pg_class class ON class.relnamespace = home.oid
     WHERE class.relname = ANY (CAST(%(relations)s AS text[])) AND class.relkind IN ('r', 'p', 'v')
), columns AS (
    SELECT relations.relname, attribute.*, type.typstorage, pg_get_expr(initial.adbin, initial.adrelid) AS initial
      FROM relations
      JOIN pg_attribute attribute ON attribute.attrelid = relations.oid
      JOIN pg_type type ON type.oid = attribute.atttypid
      LEFT JOIN pg_attrdef initial ON initial.adrelid = attribute.attrelid AND initial.adnum = attribute.attnum
     WHERE attribute.attnum > 0 AND NOT attribute.attisdropped AND relations.relkind <> 'v'
), triggers AS (
    SELECT relations.relname, one.oid, one.tgname, one.tgenabled, one.tgfoid
      FROM relations JOIN pg_trigger one ON one.tgrelid = relations.oid WHERE NOT one.tgisinternal
)
SELECT part.kind, part.relation::text AS relation, part.name::text AS name, part.definition, part.flaw
  FROM (
      SELECT 1 AS place, 0 AS number, 'table' AS kind, relname AS relation, '' AS name,
             CASE relkind WHEN 'p' THEN 'partitioned' ELSE
                 CASE relpersistence WHEN 'u' THEN 'unlogged' ELSE 'ordinary' END END AS definition,
             NULL AS flaw
        FROM relations WHERE relkind <> 'v'
      UNION ALL
      -- Moved to where the search path leads as well: another one here would hide its rows.
      SELECT 1, 0, 'table', class.relname, '', 'in schema ' || quote_ident(namespace.nspname), NULL
        FROM home
        JOIN pg_namespace namespace ON namespace.nspname = ANY (home.around) AND namespace.oid <> home.oid
        JOIN pg_class class ON class.relnamespace = namespace.oid
       WHERE class.relname = ANY (CAST(%(relations)s AS text[])) AND class.relkind IN ('r', 'p')
         AND class.relname NOT IN (SELECT relname FROM relations)
      UNION ALL
      SELECT 2, 0, 'option', relname, option_name, option_value, NULL
        FROM relations CROSS JOIN pg_options_to_table(reloptions)
      UNION ALL
      SELECT 3, attnum, 'column', relname, attname, format_type(atttypid, atttypmod), NULL FROM columns
      UNION ALL
      SELECT 4, attnum, CASE attgenerated WHEN '' THEN 'default' ELSE 'generated' END, relname, attname, initial, NULL
        FROM columns WHERE initial IS NOT NULL
      UNION ALL
      SELECT 5, attnum, 'required', relname, attname, 'NOT NULL', NULL FROM columns WHERE attnotnull
      UNION ALL
      SELECT 6, attnum, 'identity', relname, attname,
             CASE attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, NULL
        FROM columns WHERE attidentity <> ''
      UNION ALL
      SELECT 7, attnum, 'storage', relname, attname,
             CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
                             ELSE 'EXTENDED' END, NULL
        FROM columns WHERE attstorage <> typstorage
      UNION ALL
      -- Without NOT NULL, which is a constraint of its own from PostgreSQL 18 on.
      SELECT 8, 0, 'constraint', relations.relname, one.conname,
             regexp_replace(pg_get_constraintdef(one.oid), ' NOT VALID$', ''),
             CASE WHEN NOT one.convalidated THEN 'not validated' END
        FROM relations JOIN pg_constraint one ON one.conrelid = relations.oid
       WHERE one.contype IN ('c', 'p', 'u', 'f', 'x')
      UNION ALL
      SELECT 9, 0, 'index', relations.relname, class.relname, pg_get_indexdef(one.indexrelid, 0, true),
             CASE WHEN NOT (one.indisvalid AND one.indisready) THEN 'invalid' END
        FROM relations
        JOIN pg_index one ON one.indrelid = relations.oid
        JOIN pg_class class ON class.oid = one.indexrelid
       WHERE NOT EXISTS (SELECT FROM pg_constraint owner WHERE owner.conindid = one.indexrelid
                                                           AND owner.conrelid = one.indrelid)
      UNION ALL
      SELECT 10, 0, 'function', '', proc.proname,
             regexp_replace(pg_get_functiondef(proc.oid), 'FUNCTION ([^(]*)', 'FUNCTION ' || quote_ident(proc.proname)),
             NULL
        FROM home JOIN pg_proc proc ON proc.pronamespace = home.oid
       -- Of one name there may be others, with arguments: somebody's own. The queue's have rowcrew_ before their names.
       WHERE proc.prokind = 'f' AND (
             (starts_with(proc.proname, 'rowcrew_') OR proc.proname = 'get_active_worker_count'
                 AND proc.pronargs = 1 AND proc.proargtypes[0] = 'text'::regtype)
             AND 'rowcrew_schema' IN (SELECT relname FROM relations)
             OR proc.pronargs = 0 AND (
                 proc.proname = ANY (CAST(%(functions)s AS text[])) OR proc.oid IN (SELECT tgfoid FROM triggers)))
      UNION ALL
      SELECT 11, 0, 'trigger', relname, tgname, pg_get_triggerdef(oid, true),
             CASE WHEN tgenabled NOT IN ('O', 'A') THEN 'disabled' END
        FROM triggers
      UNION ALL
      SELECT 12, 0, 'view', relname, '', pg_get_viewdef(oid, true), NULL FROM relations WHERE relkind = 'v'
  ) part
 ORDER BY part.place, part.relation, part.number, part.name
