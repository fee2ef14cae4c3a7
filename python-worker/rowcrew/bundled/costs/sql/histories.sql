-- The days of an account's services, and since when each service has been known in its currency.
WITH known AS MATERIALIZED (
  SELECT service, currency, min(day) AS "firstDay"
    FROM costs
   WHERE "accountId" = %(account_id)s
   GROUP BY service, currency)
SELECT known.service, known.currency, known."firstDay", jsonb_object_agg(c.day, CAST(c.amount AS text))::text
  FROM known
  JOIN costs c ON c."accountId" = %(account_id)s AND c.day BETWEEN %(first)s AND %(last)s
                  AND c.service = known.service AND c.currency = known.currency
 GROUP BY known.service, known.currency, known."firstDay"
 ORDER BY known.service, known.currency
