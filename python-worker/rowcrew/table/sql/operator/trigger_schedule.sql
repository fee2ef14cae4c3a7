-- Enqueue a job of a schedule now, beside its plan: no tick, no overlap, no change of the row.
INSERT INTO jobs (type, payload, queue, priority, "maxAttempts", "runAt")
SELECT s.type,
       CAST(replace(s.payload::text, '{tick}',
                    to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) AS jsonb),
       coalesce(s.queue, published.queue, 'default'), coalesce(s.priority, published.priority, 0),
       coalesce(s."maxAttempts", published."maxAttempts", 3), clock_timestamp()
  FROM schedules AS s
  LEFT JOIN job_types AS published ON published.type = s.type
 WHERE s.name = %(name)s
RETURNING id
