-- Insert rows of queues, each once in the life of a database: what people change or delete stays so.
WITH given AS (
  SELECT preset.*
    FROM jsonb_to_recordset(%(queues)s::jsonb) AS preset (
         queue text, label text, "maxConcurrent" integer, "maxRuntimeSeconds" integer, "cooldownSeconds" integer,
         "maxJobsPerSession" integer, "idleTimeoutSeconds" integer)
    JOIN rowcrew_schema ON preset.queue <> ALL (presets)),
noted AS (
  UPDATE rowcrew_schema SET presets = presets || ARRAY(SELECT queue FROM given) WHERE EXISTS (SELECT FROM given))
INSERT INTO queues (queue, label, "maxConcurrent", "maxRuntimeSeconds", "cooldownSeconds", "maxJobsPerSession",
                    "idleTimeoutSeconds")
SELECT queue, label, "maxConcurrent", "maxRuntimeSeconds", "cooldownSeconds", "maxJobsPerSession", "idleTimeoutSeconds"
  FROM given
ON CONFLICT DO NOTHING
