-- Keep what AWS says of some days. A service that it no longer names goes, but not on a day of which it names none.
WITH told AS MATERIALIZED (
  SELECT day, service, amount, currency, estimated
    FROM jsonb_to_recordset(%(costs)s::jsonb)
         AS t (day date, service text, amount numeric, currency text, estimated boolean)),
gone AS (
  DELETE FROM costs c
   WHERE c."accountId" = %(account_id)s
     AND c.day = ANY (ARRAY(SELECT day FROM told))
     AND NOT EXISTS (SELECT FROM told WHERE told.day = c.day AND told.service = c.service))
INSERT INTO costs ("accountId", day, service, amount, currency, estimated)
SELECT %(account_id)s, day, service, amount, currency, estimated FROM told ORDER BY day, service
ON CONFLICT ("accountId", day, service) DO UPDATE
   SET amount = excluded.amount, currency = excluded.currency, estimated = excluded.estimated,
       "updatedAt" = clock_timestamp()
 WHERE (costs.amount, costs.currency, costs.estimated)
       IS DISTINCT FROM (excluded.amount, excluded.currency, excluded.estimated)
