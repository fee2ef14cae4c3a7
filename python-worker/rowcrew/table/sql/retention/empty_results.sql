-- Empty the results of completed jobs that were kept for their time, among the next rows by id. Answers where it came to.
WITH walk AS MATERIALIZED (
  SELECT j.id, j.queue, j.type, j."finishedAt", j.status = 'completed' AND j.result IS NOT NULL AS has_result
    FROM jobs j
   WHERE j.id > %(after)s
   ORDER BY j.id
   LIMIT %(batch)s),
old AS MATERIALIZED (
  SELECT walk.id
    FROM walk
    LEFT JOIN job_types t ON t.type = walk.type
    LEFT JOIN queues q ON q.queue = walk.queue
   WHERE walk.has_result AND walk."finishedAt" < clock_timestamp()
         - coalesce(t."keepResultSeconds", q."keepResultSeconds", %(keep_result)s::float8) * interval '1 second'),
unlocked AS MATERIALIZED (
  SELECT j.id FROM jobs j WHERE j.id = ANY (ARRAY(SELECT id FROM old)) ORDER BY j.id FOR UPDATE SKIP LOCKED),
emptied AS (
  UPDATE jobs j
     SET result = NULL, "resultEmptiedAt" = clock_timestamp(), "updatedAt" = clock_timestamp(),
         revision = j.revision + 1
   -- A row with a worker was ended by hand, and that worker is still to say that its run is dead.
   WHERE j.id = ANY (ARRAY(SELECT id FROM unlocked)) AND j.status = 'completed' AND j."workerId" IS NULL
  RETURNING j.id)
SELECT (SELECT max(id) FROM walk) AS "cameTo", (SELECT count(*) FROM emptied) AS emptied
