-- Enter a session or token by the hash of its secret; null seconds = it never ends. Deletes those whose time is over.
WITH over AS (
  DELETE FROM web_sessions WHERE "expiresAt" < clock_timestamp())
INSERT INTO web_sessions (hash, "user", kind, "expiresAt")
SELECT %(hash)s, name, %(kind)s, clock_timestamp() + CAST(%(seconds)s AS float8) * interval '1 second'
  FROM web_users
 WHERE name = %(user)s
RETURNING "user"
