-- Write the schedules that a crew declares beside its handlers, and pause those that it declares no more. Code decides the
-- rule and the type; all else in the row is the operator's, his pause included.
WITH declared AS MATERIALIZED (
  SELECT name, cron, "everySeconds", "timezone", type
    FROM jsonb_to_recordset(CAST(%(schedules)s AS jsonb)) AS d (
         name text, cron text, "everySeconds" integer, "timezone" text, type text)),
gone AS (
  UPDATE schedules AS s SET paused = true, "pauseReason" = 'its code declares it no more'
   WHERE s.source = 'code' AND NOT s.paused AND s.name NOT IN (SELECT name FROM declared)
     AND (s."declaredBy" = %(crew)s OR s.type = ANY (%(types)s)))
INSERT INTO schedules AS s (name, cron, "everySeconds", "timezone", type, source, "declaredBy")
SELECT name, cron, "everySeconds", "timezone", type, 'code', %(crew)s
  FROM declared
 ORDER BY name
    ON CONFLICT (name) DO UPDATE
   SET cron = excluded.cron, "everySeconds" = excluded."everySeconds", "timezone" = excluded."timezone", type = excluded.type,
       "declaredBy" = excluded."declaredBy",
       paused = s.paused AND s."pauseReason" IS DISTINCT FROM 'its code declares it no more',
       "pauseReason" = nullif(s."pauseReason", 'its code declares it no more')
 WHERE s.source = 'code'
   AND ((s.cron, s."everySeconds", s."timezone", s.type, s."declaredBy")
        IS DISTINCT FROM (excluded.cron, excluded."everySeconds", excluded."timezone", excluded.type, excluded."declaredBy")
        OR s."pauseReason" = 'its code declares it no more')
