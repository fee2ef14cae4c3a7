-- The schemas that have Rowcrew's tables, though this session's search path does not lead there.
SELECT namespace.nspname AS schema
  FROM pg_class class
  JOIN pg_namespace namespace ON namespace.oid = class.relnamespace
 WHERE class.relname = 'rowcrew_schema' AND NOT pg_table_is_visible(class.oid)
 ORDER BY namespace.nspname
