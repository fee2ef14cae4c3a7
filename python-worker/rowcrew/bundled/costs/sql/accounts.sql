-- The cloud accounts by id: all of them, or those of these ids.
SELECT id, provider, active, "keyId", "roleArn", "externalId", "createdAt", "collectedAt", problem
  FROM "cloudAccounts"
 WHERE CAST(%(ids)s AS text[]) IS NULL OR id = ANY (CAST(%(ids)s AS text[]))
 ORDER BY id
