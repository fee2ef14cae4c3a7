-- Set columns of a queue's row; those not given stay. With seconds, limits get their former values back after these.
UPDATE queues AS was
   SET (label, paused, "maxConcurrent", "maxConcurrentPerKey", "rateLimit", "rateLimitPerKey", "ratePeriodSeconds", until,
        "timeoutSeconds", "keepCompletedSeconds", "keepFailedSeconds", "keepCompletedCount", "keepResultSeconds",
        "rescueForeignSeconds", "maxRuntimeSeconds", "cooldownSeconds", "maxJobsPerSession", "idleTimeoutSeconds", launcher,
        "launchCommand", "checkIntervalSeconds", "targetWaitSeconds", "cpuPercent", "memoryBytes")
     = (SELECT label, paused, "maxConcurrent", "maxConcurrentPerKey", "rateLimit", "rateLimitPerKey", "ratePeriodSeconds",
               coalesce(clock_timestamp() + CAST(%(seconds)s AS integer) * interval '1 second', until),
               "timeoutSeconds", "keepCompletedSeconds", "keepFailedSeconds", "keepCompletedCount", "keepResultSeconds",
               "rescueForeignSeconds", "maxRuntimeSeconds", "cooldownSeconds", "maxJobsPerSession", "idleTimeoutSeconds", launcher,
               "launchCommand", "checkIntervalSeconds", "targetWaitSeconds", "cpuPercent", "memoryBytes"
          FROM jsonb_populate_record(was, CAST(%(columns)s AS jsonb)))
 WHERE queue = %(queue)s
RETURNING queue
