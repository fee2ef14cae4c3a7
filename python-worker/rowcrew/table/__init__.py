"""The ground floor: the only rooms that speak SQL.

`schema` declares the tables, `sql/` holds one verb a file, `statements` reads them, `connection` opens and
guards connections, `enqueue` is the producers' side.
"""
