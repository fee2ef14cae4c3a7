-- Cancel a job.
UPDATE jobs SET status = 'cancelled' WHERE id = %(id)s AND status IN ('queued', 'processing')
