-- The columns of an ordinary or partitioned table; no row: there is no such table.
SELECT attribute.attname, format_type(attribute.atttypid, attribute.atttypmod), type.typcategory::text,
       attribute.attnotnull
  FROM pg_attribute attribute
  JOIN pg_class class ON class.oid = attribute.attrelid
  JOIN pg_namespace namespace ON namespace.oid = class.relnamespace
  JOIN pg_type type ON type.oid = attribute.atttypid
 WHERE namespace.nspname = %(schema)s AND class.relname = %(table)s AND class.relkind IN ('r', 'p')
   AND attribute.attnum > 0 AND NOT attribute.attisdropped
 ORDER BY attribute.attnum
