-- The anomalies of some days that later figures still bear out, the newest day first.
SELECT id, "accountId", service, day, amount, baseline, currency, "deviationPercent", severity, CAST(why AS text)
  FROM "costAnomalies"
 WHERE day BETWEEN %(first)s AND %(last)s
   AND "clearedAt" IS NULL
   AND (CAST(%(accounts)s AS text[]) IS NULL OR "accountId" = ANY (CAST(%(accounts)s AS text[])))
 ORDER BY day DESC, abs("deviationPercent") DESC, "accountId", service
