-- One published type with the JSON Schema of its payload.
SELECT type, queue, priority, "maxAttempts", "timeoutSeconds", executor, description,
       CAST("payloadSchema" AS text) AS "payloadSchema", "updatedAt"
  FROM job_types
 WHERE type = %(type)s
