-- Hold a queued job back until these jobs have ended. Its trigger parks it, as if it had been inserted so.
UPDATE jobs
   SET "waitsFor" = CAST(%(ids)s AS bigint[]), "waitPolicy" = %(policy)s
 WHERE id = %(id)s AND status = 'queued'
RETURNING id
