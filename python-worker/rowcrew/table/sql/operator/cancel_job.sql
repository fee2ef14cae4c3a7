-- Cancel those of the jobs that have not ended; answers which. Locks in the order of ids, as every bulk change does.
UPDATE jobs
   SET status = 'cancelled'
 WHERE id = ANY (ARRAY(
         SELECT id FROM jobs
          WHERE id = ANY (CAST(%(ids)s AS bigint[])) AND status IN ('queued', 'processing')
          ORDER BY id
            FOR NO KEY UPDATE))
RETURNING id
