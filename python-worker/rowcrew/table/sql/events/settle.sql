-- Write how the telling of a message went. No row: the claim has run out, and somebody else may be telling it.
UPDATE event_messages
   SET "deliveredAt" = CASE WHEN %(error)s::text IS NULL THEN clock_timestamp() END,
       "failedAt" = CASE WHEN %(error)s::text IS NOT NULL AND attempts >= %(most)s THEN clock_timestamp() END,
       error = %(error)s, "claimId" = NULL, "deliverAt" = clock_timestamp() + %(backoff_seconds)s * interval '1 s'
 WHERE id = %(id)s AND receiver = %(receiver)s AND "claimId" = %(claim)s
   AND "deliveredAt" IS NULL AND "failedAt" IS NULL
RETURNING "failedAt" IS NOT NULL AS failed
