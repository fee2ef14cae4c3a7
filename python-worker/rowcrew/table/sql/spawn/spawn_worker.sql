-- Enter workers before anything starts them. After lock_queue and standings, in the same transaction.
WITH moment AS MATERIALIZED (
  SELECT clock_timestamp() AS at),
base AS MATERIALIZED (
  SELECT at, %(prefix)s || '_' || floor(extract(epoch FROM at)) AS name FROM moment),
entered AS (
  INSERT INTO workers ("bootId", name, queues, slots, launcher, "launchedAt", "startedAt", "heartbeatAt")
  SELECT gen_random_uuid(), base.name || CASE WHEN taken + n > 1 THEN '_' || taken + n ELSE '' END, ARRAY[%(queue)s],
         %(slots)s, %(launcher)s, at, at, at
    FROM base
   CROSS JOIN LATERAL (SELECT count(*) AS taken FROM workers w
                        WHERE w.name = base.name OR starts_with(w.name, base.name || '_')) AS others
   CROSS JOIN generate_series(1, %(number)s) AS n
  RETURNING id, "bootId", name),
cooling AS (
  UPDATE queues SET "spawnedAt" = at FROM moment WHERE queue = %(queue)s)
SELECT id, "bootId"::text AS "bootId", name FROM entered ORDER BY id
