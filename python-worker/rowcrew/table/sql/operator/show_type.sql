-- One published type with the JSON Schema of its payload.
SELECT type, queue, priority, "maxAttempts", "timeoutSeconds", executor, description, "updatedAt",
       CAST("payloadSchema" AS text) AS "payloadSchema"
  FROM job_types
 WHERE type = %(type)s
