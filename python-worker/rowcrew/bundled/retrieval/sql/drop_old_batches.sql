-- Forget batches that no run can come back to.
DELETE FROM "batchFiles" WHERE "createdAt" < clock_timestamp() - interval '90 days'
