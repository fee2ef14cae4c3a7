-- A job and what it enqueued.
SELECT id, type, status, "parentId" FROM jobs WHERE id = %(id)s OR "parentId" = %(id)s ORDER BY id
