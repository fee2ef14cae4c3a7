-- The result of one kept model run.
SELECT CAST(result AS text)
  FROM "modelRuns"
 WHERE id = CAST(%(id)s AS bigint)
