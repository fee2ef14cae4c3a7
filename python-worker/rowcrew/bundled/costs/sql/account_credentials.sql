-- The sealed credentials of one account, and the id of their key.
SELECT "keyId", credentials FROM "cloudAccounts" WHERE id = %(id)s
