-- Requeue those of the jobs that have ended; answers which. Of jobs that share a unique key the newest is taken,
-- and none while a live job holds the key: one conflict would undo the whole statement.
WITH ended AS MATERIALIZED (
  SELECT id, type, "uniqueKey"
    FROM jobs
   WHERE id = ANY (CAST(%(ids)s AS bigint[])) AND status IN ('completed', 'failed', 'cancelled')
   ORDER BY id
     FOR NO KEY UPDATE),
chosen AS (
  SELECT DISTINCT ON (ended.type, ended."uniqueKey", CASE WHEN ended."uniqueKey" IS NULL THEN ended.id END) ended.id
    FROM ended
   WHERE NOT EXISTS (
         SELECT FROM jobs live
          WHERE live.type = ended.type AND live."uniqueKey" = ended."uniqueKey"
            AND live.status NOT IN ('completed', 'failed', 'cancelled'))
   ORDER BY ended.type, ended."uniqueKey", CASE WHEN ended."uniqueKey" IS NULL THEN ended.id END, ended.id DESC)
UPDATE jobs SET status = 'queued' WHERE id = ANY (ARRAY(SELECT id FROM chosen))
RETURNING id
