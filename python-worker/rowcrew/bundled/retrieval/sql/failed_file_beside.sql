-- A file of the same batch that failed, if the batch stops with the first failure.
SELECT failed.id
  FROM "batchFiles" mine
  JOIN "batchFiles" other ON other."batchId" = mine."batchId"
 -- The LIMIT has each looked up by its key, however many jobs there are.
 CROSS JOIN LATERAL (SELECT id FROM jobs WHERE jobs.id = other."jobId" AND jobs.status = 'failed' LIMIT 1) AS failed
 WHERE mine."jobId" = %(job)s AND mine."stopsWithFirst"
 LIMIT 1
