-- Keep what was found on some days, and clear what later figures no longer bear out. Answers the new ones.
WITH found AS MATERIALIZED (
  SELECT service, day, amount, baseline, currency, "deviationPercent", severity, why
    FROM jsonb_to_recordset(%(found)s::jsonb)
         AS f (service text, day date, amount numeric, baseline numeric, currency text,
               "deviationPercent" numeric, severity text, why jsonb)),
cleared AS (
  UPDATE "costAnomalies" a
     SET "clearedAt" = clock_timestamp()
   WHERE a."accountId" = %(account_id)s
     AND a.day BETWEEN %(first)s AND %(last)s
     AND a."clearedAt" IS NULL
     AND NOT EXISTS (SELECT FROM found WHERE found.service = a.service AND found.day = a.day)),
kept AS (
  INSERT INTO "costAnomalies" AS a
         ("accountId", service, day, amount, baseline, currency, "deviationPercent", severity, why)
  SELECT %(account_id)s, service, day, amount, baseline, currency, "deviationPercent", severity, why
    FROM found
   ORDER BY service, day
  ON CONFLICT ("accountId", service, day) DO UPDATE
     SET amount = excluded.amount, baseline = excluded.baseline, currency = excluded.currency,
         "deviationPercent" = excluded."deviationPercent", severity = excluded.severity,
         why = CASE WHEN excluded.why ->> 'usageTypes' IS NULL AND a.amount = excluded.amount
                    THEN excluded.why || jsonb_build_object('usageTypes', a.why -> 'usageTypes')
                    ELSE excluded.why END,
         "clearedAt" = NULL
  -- Rows just inserted have no older version.
  RETURNING service, day, xmax = 0 AS "isNew")
SELECT service, day FROM kept WHERE "isNew"
