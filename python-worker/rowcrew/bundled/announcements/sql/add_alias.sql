-- Another way to write the name of an investor.
INSERT INTO "investorAliases" (kind, alias, "investorId", trigrams)
VALUES (%(kind)s, %(alias)s, %(investor_id)s, %(trigrams)s)
