-- Which leases the database says this worker holds.
SELECT id, "leaseId"::text AS "leaseId" FROM jobs WHERE "workerId" = %(worker)s AND status = 'processing'
