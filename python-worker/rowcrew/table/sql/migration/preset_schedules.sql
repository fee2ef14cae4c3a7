-- Insert schedules, each once in the life of a database: what people change or delete stays so.
WITH given AS (
  SELECT preset.*
    FROM jsonb_to_recordset(%(schedules)s::jsonb) AS preset (
         name text, cron text, "everySeconds" integer, "timezone" text, type text, payload jsonb, missed text, overlap text,
         "declaredBy" text)
    JOIN rowcrew_schema ON 'schedule ' || preset.name <> ALL (presets)),  -- no name of a queue holds a space
noted AS (
  UPDATE rowcrew_schema SET presets = presets || ARRAY(SELECT 'schedule ' || name FROM given)
   WHERE EXISTS (SELECT FROM given))
INSERT INTO schedules (name, cron, "everySeconds", "timezone", type, payload, missed, overlap, source, "declaredBy")
SELECT name, cron, "everySeconds", "timezone", type, payload, missed, overlap, 'family', "declaredBy"
  FROM given
ON CONFLICT DO NOTHING
