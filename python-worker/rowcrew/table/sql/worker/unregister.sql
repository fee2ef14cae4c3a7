-- A worker leaves in good order.
UPDATE workers
   SET "stoppedAt" = clock_timestamp(), "stopReason" = %(reason)s
 WHERE id = %(worker)s AND "bootId" = %(boot)s AND "stoppedAt" IS NULL
