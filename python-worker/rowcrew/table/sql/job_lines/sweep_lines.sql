-- Delete what was said by jobs that are no more, among the next rows. Answers the job where it came to.
WITH walk AS MATERIALIZED (
  SELECT l."jobId" FROM job_logs l WHERE l."jobId" > %(after)s ORDER BY l."jobId", l.id LIMIT %(batch)s),
gone AS (
  DELETE FROM job_logs l
   WHERE l."jobId" = ANY (ARRAY(
           SELECT DISTINCT walk."jobId" FROM walk WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = walk."jobId")))
  RETURNING l."jobId")
SELECT (SELECT max("jobId") FROM walk) AS "cameTo", (SELECT count(*) FROM gone) AS deleted
