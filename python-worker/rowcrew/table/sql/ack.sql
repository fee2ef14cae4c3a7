-- The run of a row that was changed by hand is dead: let the row go, and a requeued one run at once.
UPDATE jobs
   SET "workerId" = NULL, "runAt" = CASE status WHEN 'queued' THEN clock_timestamp() ELSE "runAt" END,
       "updatedAt" = clock_timestamp(), revision = revision + 1
 WHERE id = %(id)s AND "leaseId" = %(lease)s::uuid AND status <> 'processing'
   AND (status <> 'queued' OR (attempts = 0 AND "runAt" <= clock_timestamp() + interval '30 seconds'))
