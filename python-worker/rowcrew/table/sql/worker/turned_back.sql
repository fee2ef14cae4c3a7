-- Of jobs that were recorded as completed, how many are not: taken back for certain, taken over, or not there at all.
-- A completed lease leaves no row in job_attempts; one that was given back or rescued since does.
WITH told AS MATERIALIZED (
  SELECT id, lease FROM unnest(%(ids)s::bigint[], %(leases)s::uuid[]) AS t (id, lease)
   WHERE id = abs(id)), -- always true; so each row is looked up by its key, as in record
shown AS (
  SELECT j.id IS NULL AS gone, j."leaseId" = told.lease AS ours, j.status,
         (SELECT true FROM job_attempts a WHERE a."leaseId" = told.lease LIMIT 1) AS given_back
    FROM told
    LEFT JOIN jobs j ON j.id = told.id)
SELECT count(*) FILTER (WHERE given_back OR (ours AND status = 'processing')) AS certain,
       count(*) FILTER (WHERE given_back IS NULL AND NOT gone AND ours IS NOT TRUE) AS others,
       count(*) FILTER (WHERE given_back IS NULL AND gone) AS gone
  FROM shown
