-- How these jobs stand, for those who wait for their ends.
SELECT id, type, status, attempts, "maxAttempts",
       CAST(CASE status WHEN 'completed' THEN result END AS text) AS result, "errorMessage",
       "resultEmptiedAt" IS NOT NULL AS emptied
  FROM jobs
 WHERE id = ANY (CAST(%(ids)s AS bigint[]))
