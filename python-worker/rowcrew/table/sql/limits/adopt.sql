-- Give a place to rows that were taken before their queue or key had a limit. After lock_limits, in the same transaction.
UPDATE jobs
   SET "placeAt" = clock_timestamp(), revision = revision + 1
 WHERE ctid = ANY (ARRAY(
       SELECT ctid
         FROM jobs
        WHERE status = 'processing' AND "placeAt" IS NULL
          AND (%(limited)s AND queue = %(queue)s OR "concurrencyKey" = ANY (%(keys)s::text[]))
          FOR NO KEY UPDATE SKIP LOCKED))
RETURNING "leaseId"::text AS "leaseId"
