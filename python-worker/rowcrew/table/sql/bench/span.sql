-- How many jobs after one have completed, and the seconds from the first reservation to the last record.
SELECT count(*) FILTER (WHERE status = 'completed'), extract(epoch FROM max("finishedAt") - min("startedAt"))::float8
  FROM jobs
 WHERE id > %(after)s
