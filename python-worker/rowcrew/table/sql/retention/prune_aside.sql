-- Forget what is set aside no more: rows that are gone, that have ended, or that were taken when they were tried again.
DELETE FROM jobs_set_aside aside
 WHERE "nextTryAt" < clock_timestamp() - interval '1 hour'
    OR "nextTryAt" < clock_timestamp()
       AND NOT EXISTS (SELECT FROM jobs WHERE id = aside."jobId" AND status IN ('queued', 'processing'))
