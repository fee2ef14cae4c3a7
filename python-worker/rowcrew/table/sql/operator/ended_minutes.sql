-- How many jobs of each queue ended for good in each of the last sixty minutes, as workers have counted them: they do once a minute.
SELECT queue, floor(extract(epoch FROM clock_timestamp() - "endsAt") / 60)::integer AS "minutesAgo",
       sum(count)::bigint AS ended, coalesce(sum(count) FILTER (WHERE outcome = 'failed'), 0)::bigint AS failed
  FROM job_stats
 WHERE seconds = 60 AND "endsAt" > now() - interval '1 hour'
   AND outcome IN ('completed', 'failed', 'cancelled')
 GROUP BY 1, 2
