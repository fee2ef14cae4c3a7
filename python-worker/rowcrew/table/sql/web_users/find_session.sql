-- Whose session or token this is, by the hash of its secret; nothing where it does not hold.
SELECT u.name, u.role, u."readsPayloads", s.kind
  FROM web_sessions AS s
  JOIN web_users AS u ON u.name = s."user"
 WHERE s.hash = %(hash)s AND coalesce(s."expiresAt" > clock_timestamp(), true)
