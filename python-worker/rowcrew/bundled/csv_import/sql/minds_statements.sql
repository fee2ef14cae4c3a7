-- Whether it matters to a table, or a partition of it, which rows come in by one statement: a trigger runs for
-- each statement or at its end, or rows refer to rows of the same table.
WITH tables AS (
    SELECT class.oid
      FROM pg_class class
      JOIN pg_namespace namespace ON namespace.oid = class.relnamespace
     WHERE namespace.nspname = %(schema)s AND class.relname = %(table)s
), parts AS (
    SELECT oid FROM tables
    UNION
    SELECT part.relid FROM tables, pg_partition_tree(tables.oid) part
)
SELECT EXISTS (
           SELECT FROM pg_trigger trigger
            WHERE trigger.tgrelid IN (SELECT oid FROM parts) AND NOT trigger.tgisinternal
              AND trigger.tgtype & 4 = 4  -- on INSERT
              AND trigger.tgtype & 3 <> 3  -- not BEFORE and FOR EACH ROW
       ) OR EXISTS (
           SELECT FROM pg_constraint con
            WHERE con.contype = 'f' AND con.conrelid IN (SELECT oid FROM parts)
              AND con.confrelid IN (SELECT oid FROM parts)
       )
