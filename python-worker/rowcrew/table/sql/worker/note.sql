-- Write progress and checkpoints of running jobs, and touch those that only run long. Locked rows wait for the next time.
WITH note AS MATERIALIZED (
  SELECT id, lease, progress, checkpoint
    FROM jsonb_to_recordset(%(notes)s::jsonb) AS n (id bigint, lease uuid, progress jsonb, checkpoint jsonb)
   WHERE id = abs(id)), -- always true; so each row is looked up by its key, as in record
unlocked AS MATERIALIZED (
  SELECT j.id
    FROM jobs j
   WHERE j.id = ANY (ARRAY(SELECT id FROM note))
   ORDER BY j.id
     FOR NO KEY UPDATE SKIP LOCKED)
UPDATE jobs j
   SET progress = coalesce(note.progress, j.progress), checkpoint = coalesce(note.checkpoint, j.checkpoint),
       -- A place moves along with a long run, or its age would hold down the floor from which places are counted.
       "placeAt" = CASE WHEN j."placeAt" < clock_timestamp() - interval '1 minute' THEN clock_timestamp() ELSE j."placeAt" END,
       "updatedAt" = clock_timestamp(), revision = j.revision + 1
  FROM note
 WHERE note.id = ANY (ARRAY(SELECT id FROM unlocked)) AND j.id = note.id AND j."leaseId" = note.lease AND j.status || '' = 'processing'
RETURNING j."leaseId"::text AS "leaseId"
