-- Note why the costs of an account could not be collected.
UPDATE "cloudAccounts" SET problem = %(problem)s WHERE id = %(account_id)s
