-- The anomalies of an account from one day to another that are kept already.
SELECT service, day, amount, why ->> 'usageTypes' IS NOT NULL
  FROM "costAnomalies"
 WHERE "accountId" = %(account_id)s AND day BETWEEN %(first)s AND %(last)s
