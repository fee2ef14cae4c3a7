-- Replace the sealed credentials of an account.
UPDATE "cloudAccounts" SET "keyId" = %(key_id)s, credentials = %(credentials)s WHERE id = %(id)s
