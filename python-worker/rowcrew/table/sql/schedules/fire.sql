-- Enqueue the jobs of due ticks and plan the following ticks, where a schedule's row is as it was read.
WITH plan AS MATERIALIZED (
  SELECT name, version, ticks, "nextAt", "missedFrom", problem, "pauseReason"
    FROM jsonb_to_recordset(CAST(%(plans)s AS jsonb)) AS p (
         name text, version text, ticks timestamptz[], "nextAt" timestamptz, "missedFrom" timestamptz, problem text,
         "pauseReason" text)),
mine AS MATERIALIZED (
  SELECT s.name, s.type, s.payload, s.queue, s.priority, s."maxAttempts", s."jitterSeconds", s.overlap, s."lastJobId",
         s."waitingTick", plan."nextAt", plan."missedFrom", plan.problem, plan."pauseReason", last.id AS "liveJobId",
         ARRAY(SELECT tick FROM unnest(plan.ticks) AS tick
                WHERE NOT EXISTS (SELECT FROM schedule_ticks AS fired WHERE fired.schedule = s.name AND fired.tick = tick.tick)
                ORDER BY tick) AS ticks
    FROM plan
    JOIN schedules AS s ON s.name = plan.name AND s.xmin::text = plan.version
    LEFT JOIN jobs AS last ON last.id = s."lastJobId" AND last.status || '' IN ('queued', 'processing')
     FOR NO KEY UPDATE OF s SKIP LOCKED),
replaced AS MATERIALIZED (
  SELECT jobs.id
    FROM mine
    JOIN jobs ON jobs.id = mine."liveJobId" AND jobs.status || '' IN ('queued', 'processing')
   WHERE mine.overlap = 'cancelOld' AND mine.ticks <> '{}'
     FOR NO KEY UPDATE OF jobs SKIP LOCKED),
able AS MATERIALIZED (  -- a job that is to be replaced and that somebody has locked holds its schedule up
  SELECT * FROM mine
   WHERE overlap <> 'cancelOld' OR ticks = '{}' OR "liveJobId" IS NULL OR "liveJobId" IN (SELECT id FROM replaced)),
cancelled AS (  -- as a hand does: its trigger tells the worker that runs it
  UPDATE jobs SET status = 'cancelled', "errorMessage" = 'the next tick of its schedule replaces it'
   WHERE id IN (SELECT id FROM replaced)),
tick AS MATERIALIZED (
  INSERT INTO schedule_ticks (schedule, tick, "jobId")
  SELECT able.name, t.tick,
         CASE WHEN CASE able.overlap
                   WHEN 'allow' THEN true
                   WHEN 'cancelOld' THEN t.number = cardinality(able.ticks)
                   WHEN 'skip' THEN able."liveJobId" IS NULL AND t.number = 1
                   ELSE able."liveJobId" IS NULL AND able."waitingTick" IS NULL AND t.number = 1 END
              THEN nextval('jobs_id_seq') END
    FROM able
   CROSS JOIN LATERAL unnest(able.ticks) WITH ORDINALITY AS t (tick, number)
      ON CONFLICT DO NOTHING
  RETURNING schedule, tick, "jobId"),
job AS (
  INSERT INTO jobs (id, type, payload, queue, priority, "maxAttempts", "runAt")
  SELECT tick."jobId", able.type,
         CAST(replace(able.payload::text, '{tick}', to_char(tick.tick AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) AS jsonb),
         coalesce(able.queue, published.queue, 'default'), coalesce(able.priority, published.priority, 0),
         coalesce(able."maxAttempts", published."maxAttempts", 3),
         clock_timestamp() + random() * able."jitterSeconds" * interval '1 s'
    FROM tick
    JOIN able ON able.name = tick.schedule
    LEFT JOIN job_types AS published ON published.type = able.type
   WHERE tick."jobId" IS NOT NULL
   ORDER BY tick.tick),
event_rows AS (
  INSERT INTO events (kind, subject, queue, type, detail)
  SELECT 'schedule.missed', name, coalesce(queue, ''), type, jsonb_build_object('firstTick', "missedFrom")
    FROM able
   WHERE "missedFrom" IS NOT NULL)
UPDATE schedules AS s
   SET "nextAt" = able."nextAt", problem = able.problem, paused = able."pauseReason" IS NOT NULL,
       "pauseReason" = able."pauseReason",
       "waitingTick" = CASE WHEN able.overlap = 'queueOne'
                            THEN coalesce(s."waitingTick", able.ticks[CASE WHEN able."liveJobId" IS NULL THEN 2 ELSE 1 END]) END,
       "lastAt" = greatest(s."lastAt", (SELECT max(tick) FROM tick WHERE tick.schedule = s.name)),
       "lastJobId" = coalesce((SELECT max("jobId") FROM tick WHERE tick.schedule = s.name), s."lastJobId"),
       "updatedAt" = clock_timestamp()
  FROM able
 WHERE s.name = able.name
RETURNING s.name
