-- The foreign keys of a table whose partners this role may read: their columns, the other table and its columns,
-- what stands before a value where the server compares it, whether the other table is the same, and MATCH FULL.
SELECT array_agg(own.attname::text ORDER BY key.place),
       format('%%s%%I.%%I', CASE other.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, namespace.nspname, other.relname),
       array_agg(theirs.attname::text ORDER BY key.place),
       array_agg(
           format('partner.%%I%%s OPERATOR(%%I.%%s)', theirs.attname,
                  (SELECT format(' COLLATE %%I.%%I', inner_namespace.nspname, collation_.collname)
                     FROM pg_collation collation_
                     JOIN pg_namespace inner_namespace ON inner_namespace.oid = collation_.collnamespace
                    WHERE collation_.oid = theirs.attcollation),
                  operators.nspname, operator.oprname)
           ORDER BY key.place
       ),
       con.conrelid = con.confrelid,
       con.confmatchtype = 'f'
  FROM pg_constraint con
  JOIN pg_class class ON class.oid = con.conrelid
  JOIN pg_class other ON other.oid = con.confrelid
  JOIN pg_namespace namespace ON namespace.oid = other.relnamespace
 CROSS JOIN LATERAL unnest(con.conkey, con.confkey, con.conpfeqop) WITH ORDINALITY AS key (own, theirs, operator, place)
  JOIN pg_attribute own ON own.attrelid = con.conrelid AND own.attnum = key.own
  JOIN pg_attribute theirs ON theirs.attrelid = con.confrelid AND theirs.attnum = key.theirs
  JOIN pg_operator operator ON operator.oid = key.operator
  JOIN pg_namespace operators ON operators.oid = operator.oprnamespace
 WHERE con.contype = 'f'
   AND class.relname = %(table)s
   AND class.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
   AND (to_jsonb(con) ->> 'conperiod') IS DISTINCT FROM 'true'  -- from PostgreSQL 18: several partners together
   AND (to_jsonb(con) ->> 'conenforced') IS DISTINCT FROM 'false'
   AND has_schema_privilege(other.relnamespace, 'USAGE')
   AND NOT row_security_active(con.confrelid)
 GROUP BY con.oid, con.conrelid, con.confrelid, con.confmatchtype, other.relkind, namespace.nspname, other.relname
HAVING bool_and(has_column_privilege(con.confrelid, theirs.attnum, 'SELECT'))
