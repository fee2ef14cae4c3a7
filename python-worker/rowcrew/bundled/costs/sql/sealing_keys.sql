-- Which key sealed the credentials of each active cloud account.
SELECT id, "keyId"
  FROM "cloudAccounts"
 WHERE active AND "keyId" IS NOT NULL
 ORDER BY id
