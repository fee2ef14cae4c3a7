"""`rowcrew roles`: the SQL that makes the database roles, for psql or for whoever reviews it first."""

from __future__ import annotations


def roles() -> None:
    """Print the SQL that makes the roles of producers, workers and readers.

    The owner of the tables gives it to psql, after rowcrew migrate and again
    after every upgrade; it needs the right to create roles:
    rowcrew roles | psql "$DATABASE_URL" -v ON_ERROR_STOP=1
    """
    from rowcrew.family import installed
    from rowcrew.table.rights import roles_sql

    print(roles_sql(installed()), end="")
