-- Write what a worker had counted at a moment; a second time it changes nothing. After two hours it may be merged, and is let go.
INSERT INTO job_stats ("endsAt", seconds, "workerId", queue, type, outcome, count, "runSeconds", "waitSeconds", "memoryBytes",
                       "runBuckets", "runCounts", "waitBuckets", "waitCounts")
SELECT %(moment)s, 60, %(worker)s, queue, type, outcome, count, "runSeconds", "waitSeconds", "memoryBytes",
       "runBuckets", "runCounts", "waitBuckets", "waitCounts"
  FROM jsonb_to_recordset(%(counts)s::jsonb) AS c (
       queue text, type text, outcome text, count bigint, "runSeconds" float8, "waitSeconds" float8, "memoryBytes" bigint,
       "runBuckets" smallint[], "runCounts" bigint[], "waitBuckets" smallint[], "waitCounts" bigint[])
 WHERE %(moment)s > clock_timestamp() - interval '2 hours'
ON CONFLICT DO NOTHING
