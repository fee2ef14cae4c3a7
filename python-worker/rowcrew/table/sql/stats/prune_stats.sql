-- Forget counts of more than 400 days ago.
DELETE FROM job_stats WHERE "endsAt" < clock_timestamp() - interval '400 days'
