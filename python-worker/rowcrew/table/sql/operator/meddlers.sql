-- The rules of these tables, and the triggers, not Rowcrew's, whose function can leave a row out by what it returns.
WITH relations AS MATERIALIZED (
    SELECT class.oid, class.relname
      FROM pg_class home JOIN pg_class class ON class.relnamespace = home.relnamespace
     WHERE home.oid = coalesce(to_regclass('rowcrew_schema'), to_regclass('rowcrew_migrations'))
       AND class.relname = ANY (CAST(%(relations)s AS text[])) AND class.relkind IN ('r', 'p')
)
SELECT 'rule' AS kind, relations.relname::text AS relation, quote_ident(rule.rulename) AS name,
       CASE rule.ev_type WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' WHEN '4' THEN 'DELETE' END AS acts,
       NULL AS function
  FROM relations JOIN pg_rewrite rule ON rule.ev_class = relations.oid
 WHERE rule.ev_enabled IN ('O', 'A') AND rule.ev_type IN ('2', '3', '4')
 UNION ALL
SELECT 'trigger', relations.relname::text, quote_ident(one.tgname),
       concat_ws(' OR ', CASE WHEN one.tgtype & 4 > 0 THEN 'INSERT' END, CASE WHEN one.tgtype & 16 > 0 THEN 'UPDATE' END,
                         CASE WHEN one.tgtype & 8 > 0 THEN 'DELETE' END),
       one.tgfoid::regproc::text
  FROM relations
  JOIN pg_trigger one ON one.tgrelid = relations.oid
  JOIN pg_proc proc ON proc.oid = one.tgfoid
 WHERE one.tgenabled IN ('O', 'A')
   AND one.tgtype & 3 = 3  -- BEFORE, and for each row: no other trigger's answer counts
   AND relations.relname || '.' || one.tgname <> ALL (CAST(%(triggers)s AS text[]))
   -- What says so in PL/pgSQL and JavaScript, and in Python and Perl. A DELETE goes on with the row that is given back.
   AND proc.prosrc ~* CASE WHEN one.tgtype & 20 = 0 THEN '\mreturn\s+["'']?(null|skip)\M'
                           ELSE '\mreturn\s+["'']?(null|old|skip)\M' END
 ORDER BY relation, kind, name
