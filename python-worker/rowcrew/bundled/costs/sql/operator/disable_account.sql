-- Collect a cloud account no more; no row: there is none of this id.
UPDATE "cloudAccounts" SET active = false WHERE id = %(id)s RETURNING id
