-- The sealed credentials of all accounts, locked until they are sealed anew.
SELECT id, "keyId", credentials FROM "cloudAccounts" WHERE credentials IS NOT NULL ORDER BY id FOR NO KEY UPDATE
