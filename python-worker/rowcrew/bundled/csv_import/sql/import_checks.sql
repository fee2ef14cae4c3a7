-- The CHECKs of a table that read columns alone: name, columns and expression.
SELECT con.conname::text,
       array(SELECT attname::text FROM pg_attribute WHERE attrelid = con.conrelid AND attnum = ANY (con.conkey)),
       pg_get_expr(con.conbin, con.conrelid)
  FROM pg_constraint con
  JOIN pg_class class ON class.oid = con.conrelid
 WHERE con.contype = 'c'
   AND class.relname = %(table)s
   AND class.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
   AND 0 < ALL (con.conkey)
   AND (to_jsonb(con) ->> 'conenforced') IS DISTINCT FROM 'false'
