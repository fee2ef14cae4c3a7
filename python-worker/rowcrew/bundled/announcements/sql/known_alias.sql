-- The investor with exactly this alias.
SELECT "investorId" FROM "investorAliases" WHERE kind = %(kind)s AND alias = %(alias)s
