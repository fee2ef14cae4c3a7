-- Insert jobs, ids in the order given; one whose unique key is live is left out of the answer. What a job does not name,
-- its type says, as workers have published it; then the column.
INSERT INTO jobs (type, payload, queue, priority, "runAt", "maxAttempts", "timeoutSeconds",
                  "uniqueKey", "concurrencyKey", "parentId", "waitsFor", "waitPolicy", traceparent)
SELECT wanted.type, wanted.payload, coalesce(wanted.queue, published.queue, wanted."usualQueue", 'default'),
       coalesce(wanted.priority, published.priority, 0),
       coalesce(wanted."runAt", clock_timestamp() + coalesce(wanted."delaySeconds", 0) * interval '1 s'),
       coalesce(wanted."maxAttempts", published."maxAttempts", 3), wanted."timeoutSeconds", wanted."uniqueKey",
       wanted."concurrencyKey", wanted."parentId", wanted."waitsFor", wanted."waitPolicy", wanted.traceparent
  FROM ROWS FROM (jsonb_to_recordset(CAST(%(jobs)s AS jsonb)) AS (
           type text, payload jsonb, queue text, "usualQueue" text, priority smallint, "runAt" timestamptz,
           "delaySeconds" float8, "maxAttempts" smallint, "timeoutSeconds" integer, "uniqueKey" text,
           "concurrencyKey" text, "parentId" bigint, "waitsFor" bigint[], "waitPolicy" text, traceparent text
       )) WITH ORDINALITY AS wanted
  LEFT JOIN job_types AS published ON published.type = wanted.type
 ORDER BY wanted.ordinality
    ON CONFLICT (type, "uniqueKey")
       WHERE "uniqueKey" IS NOT NULL AND status NOT IN ('completed', 'failed', 'cancelled') DO NOTHING
RETURNING id, type, "uniqueKey"
