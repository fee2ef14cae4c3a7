-- What people have done over HTTP, newest first, among the newest 20,000 events.
SELECT id, "createdAt", kind, subject, coalesce(detail ->> 'actor', '') AS actor, coalesce(detail ->> 'role', '') AS role
  FROM events
 WHERE id > (SELECT max(id) FROM events) - 20000 AND starts_with(kind, 'web.')
 ORDER BY id DESC
 LIMIT %(limit)s
