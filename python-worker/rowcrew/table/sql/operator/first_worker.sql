-- When the first worker started, and how long ago; no row where that was not within the last seconds, or its row is gone.
SELECT "startedAt" AS since, greatest(1, extract(epoch FROM clock_timestamp() - "startedAt"))::float8 AS seconds
  FROM workers
 -- Without the first row others may be gone as well: then every day has its figures.
 WHERE id = 1 AND "startedAt" > now() - CAST(%(seconds)s AS float8) * interval '1 second'
