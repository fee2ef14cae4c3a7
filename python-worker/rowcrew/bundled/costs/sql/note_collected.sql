-- Note that the costs of an account were collected.
UPDATE "cloudAccounts" SET "collectedAt" = clock_timestamp(), problem = NULL WHERE id = %(account_id)s
