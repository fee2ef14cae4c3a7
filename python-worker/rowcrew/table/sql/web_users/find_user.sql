-- One user of the web, with what scrypt has made of the password.
SELECT name, role, "readsPayloads", password FROM web_users WHERE name = %(name)s
