-- How jobs stand, and which live job has the unique key of one that has ended.
SELECT jobs.id, jobs.status, live.id AS "liveId"
  FROM jobs
  LEFT JOIN jobs live
    ON live.type = jobs.type AND live."uniqueKey" = jobs."uniqueKey" AND live.id <> jobs.id
   AND live.status NOT IN ('completed', 'failed', 'cancelled')
 WHERE jobs.id = ANY (CAST(%(ids)s AS bigint[]))
