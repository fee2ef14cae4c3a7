-- Enter a user of the web; answers nothing where the name is taken.
INSERT INTO web_users (name, role, "readsPayloads", password)
VALUES (%(name)s, %(role)s, %(readsPayloads)s, %(password)s)
    ON CONFLICT (name) DO NOTHING
RETURNING name
