-- Delete files of jobs past their time among the next files by key, so many bytes a call. Answers where it came to.
WITH walk AS MATERIALIZED (
  SELECT key, size, "createdAt"
    FROM blobs
   WHERE key > %(after)s
   ORDER BY key
   LIMIT %(batch)s),
past AS MATERIALIZED (
  SELECT key, sum(size) OVER (ORDER BY key) - size AS "bytesBefore"
    FROM walk
   WHERE key ~ '^jobs/[0-9]+/' AND "createdAt" < clock_timestamp() - %(keep_files)s * interval '1 second'),
old AS MATERIALIZED (
  SELECT key FROM past WHERE "bytesBefore" < %(most_bytes)s),
gone AS (
  DELETE FROM blobs b
   WHERE b.key = ANY (ARRAY(SELECT key FROM old))
     -- Asked once more: a run may have stored it anew while this waited for its lock.
     AND b."createdAt" < clock_timestamp() - %(keep_files)s * interval '1 second'
  RETURNING b.key)
SELECT CASE WHEN (SELECT count(*) FROM old) < (SELECT count(*) FROM past) THEN (SELECT max(key) FROM old)
            ELSE (SELECT max(key) FROM walk) END AS "cameTo",
       (SELECT count(*) FROM gone) AS deleted
