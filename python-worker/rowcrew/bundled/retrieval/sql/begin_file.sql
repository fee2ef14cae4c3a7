-- A file of a batch begins. No row: it is of none, or of one that goes on whatever fails.
UPDATE "batchFiles" SET begun = true WHERE "jobId" = %(job)s AND "stopsWithFirst" RETURNING "batchId"
