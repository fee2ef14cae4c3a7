-- Complete one job inside its handler's own transaction. No row: the lease is lost, roll back.
UPDATE jobs
   SET status = 'completed', result = %(result)s::jsonb, "errorMessage" = NULL, "workerId" = NULL, "placeAt" = NULL,
       progress = coalesce(%(progress)s::jsonb, progress), checkpoint = coalesce(%(checkpoint)s::jsonb, checkpoint),
       "finishedAt" = clock_timestamp(), "updatedAt" = clock_timestamp(), revision = revision + 1
 WHERE id = %(id)s AND "leaseId" = %(lease)s::uuid AND status = 'processing'
RETURNING id
