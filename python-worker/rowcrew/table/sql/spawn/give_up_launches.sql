-- Close the rows of workers that were launched and never came; by amount, for a clock that was set back.
UPDATE workers
   SET "stoppedAt" = clock_timestamp(), "stopReason" = 'error', "errorMessage" = 'it did not register within 120 seconds'
 WHERE abs(extract(epoch FROM clock_timestamp() - "launchedAt")) >= 120
   AND "registeredAt" IS NULL AND "stoppedAt" IS NULL AND "lostAt" IS NULL
RETURNING id, name, queues[1] AS queue, "errorMessage", launcher, "launchHandle" AS handle
