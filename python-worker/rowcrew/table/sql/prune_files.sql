-- Delete files of jobs that are gone among the next files by key, so many bytes a call. Answers where it came to.
WITH walk AS MATERIALIZED (
  SELECT key, size, CASE WHEN key ~ '^jobs/[0-9]{1,18}/' THEN split_part(key, '/', 2)::bigint END AS "jobId"
    FROM blobs
   WHERE key > %(after)s
   ORDER BY key
   LIMIT %(batch)s),
orphans AS MATERIALIZED (
  SELECT key, sum(size) OVER (ORDER BY key) - size AS "bytesBefore"
    FROM walk
   WHERE "jobId" IS NOT NULL AND NOT EXISTS (SELECT FROM jobs j WHERE j.id = walk."jobId")),
old AS MATERIALIZED (
  SELECT key FROM orphans WHERE "bytesBefore" < %(most_bytes)s),
gone AS (
  DELETE FROM blobs b WHERE b.key = ANY (ARRAY(SELECT key FROM old)) RETURNING b.key)
SELECT CASE WHEN (SELECT count(*) FROM old) < (SELECT count(*) FROM orphans) THEN (SELECT max(key) FROM old)
            ELSE (SELECT max(key) FROM walk) END AS "cameTo",
       (SELECT count(*) FROM gone) AS deleted
