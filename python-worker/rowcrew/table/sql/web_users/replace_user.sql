-- Give a user another role and password, and end all that was proven by the old one; answers nothing where there is none.
WITH ended AS (
  DELETE FROM web_sessions WHERE "user" = %(name)s)
UPDATE web_users
   SET role = %(role)s, "readsPayloads" = %(readsPayloads)s, password = %(password)s
 WHERE name = %(name)s
RETURNING name
