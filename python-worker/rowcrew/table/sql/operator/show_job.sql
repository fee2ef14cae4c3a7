-- One job with all that is known of it.
SELECT jobs.id, jobs.type, jobs.queue, jobs.status, jobs.priority, jobs.attempts, jobs."maxAttempts", jobs.crashes,
       jobs."timeoutSeconds", jobs."uniqueKey", jobs."concurrencyKey", jobs."parentId", jobs."workerId",
       workers.name AS worker, jobs."leaseId", jobs."createdAt", jobs."runAt", jobs."startedAt", jobs."finishedAt",
       jobs."updatedAt", CAST(jobs.payload AS text) AS payload, CAST(jobs.progress AS text) AS progress,
       CAST(jobs.checkpoint AS text) AS checkpoint, CAST(jobs.result AS text) AS result, jobs."errorMessage",
       jobs.traceparent
  FROM jobs
  LEFT JOIN workers ON workers.id = jobs."workerId"
 WHERE jobs.id = CAST(%(id)s AS bigint)
