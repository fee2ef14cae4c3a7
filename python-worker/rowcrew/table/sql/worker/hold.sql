-- Those of these jobs that are still run under these leases; they stay so until the transaction ends.
WITH run AS MATERIALIZED (
  SELECT id, lease FROM unnest(%(ids)s::bigint[], %(leases)s::uuid[]) AS r (id, lease)
   WHERE id = abs(id)) -- always true; so each row is looked up by its key, as in record
SELECT j."leaseId"::text AS "leaseId"
  FROM jobs j
  JOIN run ON run.id = j.id AND run.lease = j."leaseId"
 WHERE j.status || '' = 'processing'
 ORDER BY j.id
   FOR NO KEY UPDATE OF j
