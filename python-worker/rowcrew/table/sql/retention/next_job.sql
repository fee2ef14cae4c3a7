-- The id of the next row, to pass by one that cannot be deleted.
SELECT min(id) AS id FROM jobs WHERE id > %(after)s
