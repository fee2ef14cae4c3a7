-- A worker says which lease it runs with nothing beside it, or that it does so no more. No row: it was declared lost.
UPDATE workers
   SET "aloneWith" = %(lease)s
 WHERE id = %(worker)s AND "bootId" = %(boot)s AND "lostAt" IS NULL AND "stoppedAt" IS NULL
RETURNING id
