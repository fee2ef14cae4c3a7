-- Delete a user of the web with all sessions and tokens; answers nothing where there is none.
DELETE FROM web_users WHERE name = %(name)s RETURNING name
