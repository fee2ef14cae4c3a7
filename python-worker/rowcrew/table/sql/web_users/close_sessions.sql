-- End all sessions and tokens of a user; answers each.
DELETE FROM web_sessions WHERE "user" = %(user)s RETURNING hash
