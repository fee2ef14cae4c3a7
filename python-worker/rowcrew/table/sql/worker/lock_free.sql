-- Lock those of the given rows that nobody else has locked.
SELECT id FROM jobs WHERE id = ANY (%(ids)s::bigint[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
