-- Note the id that a launched worker has where it was started.
UPDATE workers SET "launchHandle" = %(handle)s WHERE id = %(worker)s
