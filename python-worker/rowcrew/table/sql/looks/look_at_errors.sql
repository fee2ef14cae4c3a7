-- What went wrong among the newest 50,000 ids, by type and by message with its figures taken out; what happened last first.
SELECT type, (array_agg(message ORDER BY id DESC))[1] AS message, count(*) AS jobs,
       count(*) FILTER (WHERE status = 'failed') AS failed, max(id) AS "lastJobId",
       CAST(extract(epoch FROM clock_timestamp() - min("updatedAt")) AS float8) AS "firstSeconds",
       CAST(extract(epoch FROM clock_timestamp() - max("updatedAt")) AS float8) AS "lastSeconds"
  FROM (SELECT id, type, status, "updatedAt", left("errorMessage", 300) AS message
          FROM jobs
         WHERE id > (SELECT max(id) FROM jobs) - 50000
           AND status IN ('queued', 'processing', 'failed') AND "errorMessage" IS NOT NULL) AS wrong
 GROUP BY type, regexp_replace(message, '\d+', '0', 'g')
 ORDER BY max("updatedAt") DESC
 LIMIT 100
