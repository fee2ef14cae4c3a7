-- The jobs of a batch's files, in the order of the files.
SELECT "jobId" FROM "batchFiles" WHERE "batchId" = %(batch)s ORDER BY place
