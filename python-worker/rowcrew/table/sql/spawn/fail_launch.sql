-- Close the row of a worker that did not start. No row: it has entered itself, or somebody has closed it.
UPDATE workers
   SET "stoppedAt" = clock_timestamp(), "stopReason" = 'error', "errorMessage" = %(message)s
 WHERE id = %(worker)s AND "registeredAt" IS NULL AND "stoppedAt" IS NULL AND "lostAt" IS NULL
RETURNING id
