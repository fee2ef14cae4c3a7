-- The types that workers have published.
SELECT type, queue, priority, "maxAttempts", "timeoutSeconds", executor, description, "updatedAt"
  FROM job_types
 ORDER BY type
