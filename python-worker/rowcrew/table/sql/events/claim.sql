-- Claim the next message for this receiver for as long as telling it may take; whoever dies meanwhile loses the claim.
WITH next AS MATERIALIZED (
  SELECT id, receiver
    FROM event_messages
   WHERE receiver = %(receiver)s AND "deliveredAt" IS NULL AND "failedAt" IS NULL AND "deliverAt" <= clock_timestamp()
   ORDER BY "deliverAt", id
   LIMIT 1
     FOR NO KEY UPDATE SKIP LOCKED)
UPDATE event_messages m
   SET "claimId" = %(claim)s, attempts = least(m.attempts, 32000) + 1,
       "deliverAt" = clock_timestamp() + %(claim_seconds)s * interval '1 s'
  FROM next
 WHERE m.id = next.id AND m.receiver = next.receiver
RETURNING m.id, m.kind, m.subject, m.queue, m.type, m.count, m.detail::text AS detail,
          to_char(m."firstAt" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "firstAt",
          to_char(m."lastAt" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "lastAt", m.attempts,
          extract(epoch FROM clock_timestamp())::bigint AS at
