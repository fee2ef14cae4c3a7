-- The highest id that is not above the top; null when there is none.
SELECT max(id) AS id FROM jobs WHERE id <= CAST(%(top)s AS bigint)
