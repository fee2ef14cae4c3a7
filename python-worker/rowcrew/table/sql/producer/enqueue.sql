-- Insert jobs, ids in the order given; one whose unique key is live is left out of the answer.
INSERT INTO jobs (type, payload, queue, priority, "runAt", "maxAttempts", "timeoutSeconds",
                  "uniqueKey", "concurrencyKey", "parentId")
SELECT type, payload, coalesce(queue, 'default'), coalesce(priority, 0),
       coalesce("runAt", clock_timestamp() + coalesce("delaySeconds", 0) * interval '1 s'),
       coalesce("maxAttempts", 3), "timeoutSeconds", "uniqueKey", "concurrencyKey", "parentId"
  FROM ROWS FROM (jsonb_to_recordset(CAST(%(jobs)s AS jsonb)) AS (
           type text, payload jsonb, queue text, priority smallint, "runAt" timestamptz, "delaySeconds" float8,
           "maxAttempts" smallint, "timeoutSeconds" integer, "uniqueKey" text, "concurrencyKey" text,
           "parentId" bigint
       )) WITH ORDINALITY
 ORDER BY ordinality
    ON CONFLICT (type, "uniqueKey")
       WHERE "uniqueKey" IS NOT NULL AND status NOT IN ('completed', 'failed', 'cancelled') DO NOTHING
RETURNING id, type, "uniqueKey"
