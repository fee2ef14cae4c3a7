-- Whether row security judges what this role writes into a table.
SELECT row_security_active(class.oid)
  FROM pg_class class
  JOIN pg_namespace namespace ON namespace.oid = class.relnamespace
 WHERE namespace.nspname = %(schema)s AND class.relname = %(table)s
