-- The steps of a job's investigation, in their order.
SELECT step, CAST("requestId" AS text) AS "requestId", CAST(turn AS text) AS turn, "inputTokens", "outputTokens", "costUsd",
       CAST(results AS text) AS results, seconds
  FROM "investigationSteps"
 WHERE "jobId" = %(job_id)s
 ORDER BY step
