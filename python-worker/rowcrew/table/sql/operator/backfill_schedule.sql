-- Enqueue a job for each of these past ticks that was not fired; what runs or waits does not matter. Answers the ids.
WITH tick AS MATERIALIZED (
  INSERT INTO schedule_ticks (schedule, tick, "jobId")
  SELECT s.name, tick, nextval('jobs_id_seq')
    FROM schedules AS s CROSS JOIN unnest(CAST(%(ticks)s AS timestamptz[])) AS tick
   WHERE s.name = %(name)s
   ORDER BY tick
      ON CONFLICT DO NOTHING
  RETURNING schedule, tick, "jobId")
INSERT INTO jobs (id, type, payload, queue, priority, "maxAttempts", "runAt")
SELECT tick."jobId", s.type,
       CAST(replace(s.payload::text, '{tick}', to_char(tick.tick AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) AS jsonb),
       coalesce(s.queue, published.queue, 'default'), coalesce(s.priority, published.priority, 0),
       coalesce(s."maxAttempts", published."maxAttempts", 3), clock_timestamp()
  FROM tick
  JOIN schedules AS s ON s.name = tick.schedule
  LEFT JOIN job_types AS published ON published.type = s.type
 ORDER BY tick.tick
RETURNING id
