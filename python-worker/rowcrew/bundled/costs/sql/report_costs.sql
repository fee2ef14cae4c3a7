-- What each service of each account cost on each of some days, and whether that day of it stands out.
SELECT c.day, c."accountId", c.service, c.amount, c.currency, c.estimated, a.severity
  FROM costs c
  LEFT JOIN "costAnomalies" a ON a."accountId" = c."accountId" AND a.service = c.service AND a.day = c.day
                                 AND a."clearedAt" IS NULL
 WHERE c.day BETWEEN %(first)s AND %(last)s
   AND (CAST(%(accounts)s AS text[]) IS NULL OR c."accountId" = ANY (CAST(%(accounts)s AS text[])))
 ORDER BY c.day, c."accountId", c.service
