-- Ask workers to drain or to terminate, or to go on (null); null ids = all that are there, and with a queue those that name it.
-- No one that is asked to terminate turns back: it may have begun.
UPDATE workers
   SET asked = %(asked)s
 WHERE (CAST(%(ids)s AS bigint[]) IS NULL OR id = ANY (%(ids)s))
   AND (CAST(%(queue)s AS text) IS NULL OR %(queue)s = ANY (queues)) AND "lostAt" IS NULL AND "stoppedAt" IS NULL
   AND (asked IS DISTINCT FROM 'terminate' OR %(asked)s = 'terminate')
RETURNING id
