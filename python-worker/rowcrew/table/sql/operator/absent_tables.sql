-- Which of these tables the search path does not lead to.
SELECT wanted AS "table"
  FROM unnest(CAST(%(tables)s AS text[])) AS wanted
 WHERE to_regclass(quote_ident(wanted)) IS NULL
