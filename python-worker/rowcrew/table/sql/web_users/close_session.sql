-- End one session.
DELETE FROM web_sessions WHERE hash = %(hash)s
