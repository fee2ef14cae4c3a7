-- How long the workers of each queue lived within the last seconds; null = workers of several queues, or of all.
SELECT CASE WHEN cardinality(queues) = 1 THEN queues[1] END AS queue, count(*) AS workers,
       sum(extract(epoch FROM ended.at - greatest("startedAt", since.at)))::float8 AS "workerSeconds"
  FROM workers
 CROSS JOIN (SELECT now() - CAST(%(seconds)s AS float8) * interval '1 second' AS at) AS since
 CROSS JOIN LATERAL (
       -- One that was lost has lived until it was last heard.
       SELECT coalesce("stoppedAt", CASE WHEN "lostAt" IS NULL THEN now() ELSE "heartbeatAt" END) AS at) AS ended
 WHERE ended.at > since.at AND ended.at > "startedAt"
 GROUP BY 1
