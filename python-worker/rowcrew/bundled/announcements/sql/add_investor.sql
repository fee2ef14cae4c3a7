-- A new investor. Answers the id.
INSERT INTO investors (kind, name) VALUES (%(kind)s, %(name)s) RETURNING id
