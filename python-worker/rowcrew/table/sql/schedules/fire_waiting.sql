-- Enqueue the job of each tick that waited for the job before it, where that job has ended.
WITH mine AS MATERIALIZED (
  SELECT s.name, s.type, s.payload, s.queue, s.priority, s."maxAttempts", s."waitingTick", nextval('jobs_id_seq') AS "jobId"
    FROM schedules AS s
    LEFT JOIN jobs AS last ON last.id = s."lastJobId" AND last.status || '' IN ('queued', 'processing')
   WHERE s."waitingTick" IS NOT NULL AND NOT s.paused AND last.id IS NULL
   LIMIT 100
     FOR NO KEY UPDATE OF s SKIP LOCKED),
tick AS (
  UPDATE schedule_ticks AS t SET "jobId" = mine."jobId"
    FROM mine
   WHERE t.schedule = mine.name AND t.tick = mine."waitingTick"),
job AS (
  INSERT INTO jobs (id, type, payload, queue, priority, "maxAttempts", "runAt")
  SELECT mine."jobId", mine.type,
         CAST(replace(mine.payload::text, '{tick}',
                      to_char(mine."waitingTick" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) AS jsonb),
         coalesce(mine.queue, published.queue, 'default'), coalesce(mine.priority, published.priority, 0),
         coalesce(mine."maxAttempts", published."maxAttempts", 3), clock_timestamp()
    FROM mine
    LEFT JOIN job_types AS published ON published.type = mine.type)
UPDATE schedules AS s
   SET "waitingTick" = NULL, "lastJobId" = mine."jobId", "updatedAt" = clock_timestamp()
  FROM mine
 WHERE s.name = mine.name
RETURNING s.name
