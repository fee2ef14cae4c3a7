-- How many runs ended how within the last seconds, as workers have counted them, by queue, type and outcome.
SELECT queue, type, outcome, sum(count)::bigint AS count, sum("runSeconds") AS "runSeconds", max("memoryBytes") AS "memoryBytes"
  FROM job_stats
 WHERE "endsAt" > now() - CAST(%(seconds)s AS integer) * interval '1 second'
   AND (CAST(%(queue)s AS text) IS NULL OR queue = %(queue)s) AND (CAST(%(type)s AS text) IS NULL OR type = %(type)s)
 GROUP BY queue, type, outcome
