-- Keep what the model said and what that took; what was said first stays.
UPDATE "investigationSteps"
   SET turn = CAST(%(turn)s AS jsonb), "inputTokens" = %(input_tokens)s, "outputTokens" = %(output_tokens)s, "costUsd" = %(cost_usd)s,
       "vendorId" = %(vendor_id)s, seconds = seconds + %(seconds)s, "updatedAt" = clock_timestamp()
 WHERE "jobId" = %(job_id)s AND step = %(step)s AND turn IS NULL
