-- How many jobs after one have completed, and the seconds from the first reservation to the last record.
SELECT count(*) FILTER (WHERE status = 'completed') AS completed,
       coalesce(extract(epoch FROM max("finishedAt") - min("startedAt"))::float8, 0.0) AS seconds
  FROM jobs
 WHERE id > %(after)s
