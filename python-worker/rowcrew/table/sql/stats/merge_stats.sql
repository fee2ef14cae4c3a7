-- Merge the rows of short spans that ended long ago into one row for each longer span. Nothing while another worker does.
WITH old AS (
  DELETE FROM job_stats
   WHERE seconds = %(short)s AND (SELECT pg_try_advisory_xact_lock(821737, 0))
     AND "endsAt" <= date_trunc(%(unit)s, clock_timestamp() - %(keep)s * interval '1 second', 'UTC')
  RETURNING date_trunc(%(unit)s, "endsAt" - interval '1 microsecond', 'UTC') + %(long)s * interval '1 second' AS "spanEnd",
            queue, type, outcome, count, "runSeconds", "waitSeconds", "memoryBytes",
            "runBuckets", "runCounts", "waitBuckets", "waitCounts"),
buckets AS (
  SELECT "spanEnd", queue, type, outcome,
         array_agg(bucket) FILTER (WHERE is_run) AS "runBuckets", array_agg(runs) FILTER (WHERE is_run) AS "runCounts",
         array_agg(bucket) FILTER (WHERE NOT is_run) AS "waitBuckets", array_agg(runs) FILTER (WHERE NOT is_run) AS "waitCounts"
    FROM (SELECT "spanEnd", queue, type, outcome, is_run, bucket, sum(runs)::bigint AS runs
            FROM old
           CROSS JOIN LATERAL (
                 SELECT true AS is_run, * FROM unnest("runBuckets", "runCounts") AS run (bucket, runs)
                  UNION ALL
                 SELECT false, * FROM unnest("waitBuckets", "waitCounts") AS wait (bucket, runs)) AS held
           GROUP BY "spanEnd", queue, type, outcome, is_run, bucket) AS added
   GROUP BY "spanEnd", queue, type, outcome),
sums AS (
  SELECT "spanEnd", queue, type, outcome, sum(count)::bigint AS count, sum("runSeconds") AS "runSeconds",
         sum("waitSeconds") AS "waitSeconds", max("memoryBytes") AS "memoryBytes"
    FROM old
   GROUP BY "spanEnd", queue, type, outcome)
INSERT INTO job_stats AS there ("endsAt", seconds, "workerId", queue, type, outcome, count, "runSeconds", "waitSeconds",
                                "memoryBytes", "runBuckets", "runCounts", "waitBuckets", "waitCounts")
SELECT "spanEnd", %(long)s, 0, queue, type, outcome, count, "runSeconds", "waitSeconds", "memoryBytes",
       coalesce("runBuckets", '{}'), coalesce("runCounts", '{}'), coalesce("waitBuckets", '{}'), coalesce("waitCounts", '{}')
  FROM sums
  LEFT JOIN buckets USING ("spanEnd", queue, type, outcome)
-- A server's clock that was set back can bring rows for a span that is merged already. Buckets may stand in a row twice.
ON CONFLICT ("endsAt", seconds, "workerId", queue, type, outcome) DO UPDATE
   SET count = there.count + excluded.count, "runSeconds" = there."runSeconds" + excluded."runSeconds",
       "waitSeconds" = there."waitSeconds" + excluded."waitSeconds",
       "memoryBytes" = greatest(there."memoryBytes", excluded."memoryBytes"),
       "runBuckets" = there."runBuckets" || excluded."runBuckets", "runCounts" = there."runCounts" || excluded."runCounts",
       "waitBuckets" = there."waitBuckets" || excluded."waitBuckets", "waitCounts" = there."waitCounts" || excluded."waitCounts"
RETURNING "endsAt"
