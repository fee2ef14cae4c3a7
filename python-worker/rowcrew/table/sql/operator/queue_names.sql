-- The names that queues have in their rows, in open jobs, of live workers, types and schedules.
SELECT queue FROM queues
 UNION
SELECT queue FROM queue_depth
 UNION
SELECT unnest(queues) FROM worker_status WHERE state = 'live'
 UNION
SELECT queue FROM job_types WHERE queue IS NOT NULL
 UNION
SELECT queue FROM schedules WHERE queue IS NOT NULL
 ORDER BY queue
