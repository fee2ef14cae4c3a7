-- A file of a batch is searchable.
UPDATE "batchFiles" SET searchable = true WHERE "jobId" = %(job)s AND "stopsWithFirst"
