-- Keep what the calls of a step gave; what they gave first stays.
UPDATE "investigationSteps"
   SET results = CAST(%(results)s AS jsonb), seconds = seconds + %(seconds)s, "updatedAt" = clock_timestamp()
 WHERE "jobId" = %(job_id)s AND step = %(step)s AND results IS NULL
