-- One job with all that is known of it.
SELECT jobs.id, jobs.type, jobs.queue, jobs.status, jobs.priority, jobs.attempts, jobs."maxAttempts", jobs.crashes,
       jobs."timeoutSeconds", jobs."uniqueKey", jobs."concurrencyKey", jobs."parentId", jobs."workerId",
       workers.name AS worker, jobs."leaseId", jobs."createdAt", jobs."runAt", jobs."startedAt", jobs."finishedAt",
       jobs."updatedAt", jobs.payload, jobs.progress, jobs.checkpoint, jobs.result, jobs."errorMessage"
  FROM jobs
  LEFT JOIN workers ON workers.id = jobs."workerId"
 WHERE jobs.id = CAST(%(id)s AS bigint)
