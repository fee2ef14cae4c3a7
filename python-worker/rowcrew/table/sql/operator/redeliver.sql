-- Tell the messages of these events again; NULL for the ids = all that were given up, NULL for the receiver = of all.
UPDATE event_messages m
   SET "deliveredAt" = NULL, "failedAt" = NULL, error = NULL, attempts = 0, "claimId" = NULL, "deliverAt" = clock_timestamp()
 WHERE (CASE WHEN CAST(%(ids)s AS bigint[]) IS NULL THEN m."failedAt" IS NOT NULL
             ELSE m.id = ANY (ARRAY(SELECT "messageId" FROM events WHERE id = ANY (CAST(%(ids)s AS bigint[])))) END)
   AND (CAST(%(receiver)s AS text) IS NULL OR m.receiver = CAST(%(receiver)s AS text))
RETURNING m.id, m.receiver
