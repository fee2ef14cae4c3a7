-- The runs of rows that were changed by hand are dead: let the rows go, and requeued ones run at once. Locked rows are
-- answered as such, and nothing waits for them.
-- A row that was requeued by hand has no "startedAt"; one that a run or a rescue gave back has, and waits its time.
WITH dead AS MATERIALIZED (
  SELECT id, lease FROM unnest(%(ids)s::bigint[], %(leases)s::uuid[]) AS d (id, lease)
   WHERE id = abs(id)), -- always true; so each row is looked up by its key, as in record
unlocked AS MATERIALIZED (
  SELECT j.id
    FROM jobs j
   WHERE j.id = ANY (ARRAY(SELECT id FROM dead))
   ORDER BY j.id
     FOR NO KEY UPDATE SKIP LOCKED),
let_go AS (
  UPDATE jobs j
     SET "workerId" = NULL, "placeAt" = NULL, "runAt" = CASE j.status WHEN 'queued' THEN clock_timestamp() ELSE j."runAt" END,
         "updatedAt" = clock_timestamp(), revision = j.revision + 1
    FROM dead
   WHERE dead.id = ANY (ARRAY(SELECT id FROM unlocked)) AND j.id = dead.id AND j."leaseId" = dead.lease
     AND CASE j.status
           WHEN 'processing' THEN false
           WHEN 'queued' THEN j."startedAt" IS NULL
                          AND j."runAt" BETWEEN clock_timestamp() AND clock_timestamp() + interval '30 seconds'
           ELSE j."workerId" IS NOT NULL
         END
  RETURNING j.id)
SELECT id, false AS "isLocked" FROM let_go
UNION ALL
SELECT j.id, true FROM jobs j WHERE j.id = ANY (ARRAY(SELECT id FROM dead)) AND j.id NOT IN (SELECT id FROM unlocked)
