-- The columns of an ordinary or partitioned table, and what arrays and ranges hold; no row: no such table.
WITH RECURSIVE columns AS (
    SELECT attribute.attnum, attribute.attname, attribute.atttypid, attribute.atttypmod, attribute.attnotnull
      FROM pg_attribute attribute
      JOIN pg_class class ON class.oid = attribute.attrelid
      JOIN pg_namespace namespace ON namespace.oid = class.relnamespace
     WHERE namespace.nspname = %(schema)s AND class.relname = %(table)s AND class.relkind IN ('r', 'p')
       AND attribute.attnum > 0 AND NOT attribute.attisdropped
), held AS (
    SELECT attnum, atttypid AS oid FROM columns
    UNION
    SELECT held.attnum, inner_type.oid
      FROM held
      JOIN pg_type type ON type.oid = held.oid
      LEFT JOIN pg_range range ON type.oid IN (range.rngtypid, range.rngmultitypid)
      JOIN pg_type inner_type ON inner_type.oid = CASE
             WHEN type.typtype = 'd' THEN type.typbasetype
             WHEN type.typcategory = 'A' THEN type.typelem
             ELSE range.rngsubtype END
)
SELECT columns.attname, format_type(columns.atttypid, columns.atttypmod), type.typcategory::text, columns.attnotnull,
       (SELECT innermost.typcategory::text
          FROM held JOIN pg_type innermost ON innermost.oid = held.oid
         WHERE held.attnum = columns.attnum AND innermost.typcategory NOT IN ('A', 'R') LIMIT 1)
  FROM columns JOIN pg_type type ON type.oid = columns.atttypid
 ORDER BY columns.attnum
