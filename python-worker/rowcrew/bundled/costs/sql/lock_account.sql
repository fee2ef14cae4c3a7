-- Let one collection at a time write about an account.
SELECT FROM "cloudAccounts" WHERE id = %(account_id)s FOR NO KEY UPDATE
