-- The users of the web by name, with the sessions and tokens that hold.
SELECT u.name, u.role, u."readsPayloads",
       count(s.hash) FILTER (WHERE s.kind = 'session') AS sessions, count(s.hash) FILTER (WHERE s.kind = 'token') AS tokens,
       u."createdAt"
  FROM web_users AS u
  LEFT JOIN web_sessions AS s ON s."user" = u.name AND coalesce(s."expiresAt" > clock_timestamp(), true)
 GROUP BY u.name
 ORDER BY u.name
