-- Whether the web has any user, and so a login.
SELECT EXISTS (SELECT name FROM web_users) AS has
