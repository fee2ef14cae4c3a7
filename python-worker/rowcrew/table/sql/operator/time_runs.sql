-- How many jobs waited, and ran, how long within the last seconds: those whose runs ended by themselves, by bucket.
SELECT held.kind, held.bucket, sum(held.runs)::bigint AS runs
  FROM job_stats
 CROSS JOIN LATERAL (
       SELECT 'run' AS kind, * FROM unnest("runBuckets", "runCounts") AS run (bucket, runs)
        UNION ALL
       SELECT 'wait', * FROM unnest("waitBuckets", "waitCounts") AS wait (bucket, runs)) AS held
 WHERE "endsAt" > clock_timestamp() - CAST(%(seconds)s AS integer) * interval '1 second'
   AND (CAST(%(queue)s AS text) IS NULL OR queue = %(queue)s) AND (CAST(%(type)s AS text) IS NULL OR type = %(type)s)
   AND outcome IN ('completed', 'retried', 'failed', 'cancelled')
 GROUP BY held.kind, held.bucket
