-- The limits of one run that queues have.
SELECT queue, "timeoutSeconds" FROM queues WHERE "timeoutSeconds" IS NOT NULL
