-- The run of a row that was changed by hand is dead: let the row go, and a requeued one run at once.
-- A row that was requeued by hand has no "startedAt"; one that a run or a rescue gave back has, and waits its time.
UPDATE jobs
   SET "workerId" = NULL, "runAt" = CASE status WHEN 'queued' THEN clock_timestamp() ELSE "runAt" END,
       "updatedAt" = clock_timestamp(), revision = revision + 1
 WHERE id = %(id)s AND "leaseId" = %(lease)s::uuid
   AND CASE status
         WHEN 'processing' THEN false
         WHEN 'queued' THEN "startedAt" IS NULL
                        AND "runAt" BETWEEN clock_timestamp() AND clock_timestamp() + interval '30 seconds'
         ELSE "workerId" IS NOT NULL
       END
