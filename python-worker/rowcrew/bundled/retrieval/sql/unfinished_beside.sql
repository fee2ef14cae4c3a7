-- Other files of the batch that began and are not searchable: they are processed right now, or they failed.
SELECT "jobId" FROM "batchFiles" WHERE "batchId" = %(batch)s AND begun AND NOT searchable AND "jobId" <> %(job)s ORDER BY place
