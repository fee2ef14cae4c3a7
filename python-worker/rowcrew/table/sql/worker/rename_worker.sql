-- Give a worker another label, because a live one has the same.
UPDATE workers SET name = %(name)s WHERE id = %(worker)s
