-- Close the rows of workers that were launched and never came.
UPDATE workers
   SET "stoppedAt" = clock_timestamp(), "stopReason" = 'error', "errorMessage" = 'it did not register within 120 seconds'
 WHERE "launchedAt" <= clock_timestamp() - interval '120 seconds'
   AND "registeredAt" IS NULL AND "stoppedAt" IS NULL AND "lostAt" IS NULL
RETURNING id, name, queues[1] AS queue, "errorMessage"
