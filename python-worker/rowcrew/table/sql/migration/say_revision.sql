-- Say the revision where a table made again says none.
INSERT INTO rowcrew_schema (revision, "minimumWorker")
VALUES (%(revision)s, %(revision)s)
ON CONFLICT DO NOTHING
