-- What a job is, how it stands and what it left.
SELECT type, status, CAST(result AS text)
  FROM jobs
 WHERE id = CAST(%(id)s AS bigint)
