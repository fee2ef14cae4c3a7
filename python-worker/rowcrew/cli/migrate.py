"""`rowcrew migrate`: brings the tables up to date. Only here SQLAlchemy and Alembic are imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import print_document
from rowcrew.settings import Settings


def migrate(
    *,
    only: Annotated[list[str] | None, Parameter(name="--only")] = None,
    json: AsJson = False,
) -> None:
    """Bring the tables of the database up to date: the queue's and those of every installed family.

    Safe at any time, from several places at once and while workers run.
    DATABASE_DIRECT_URL, if set, is used.

    Parameters
    ----------
    only
        Only this family's tables, or with queue the queue's; repeatable.
    """
    revision = bring_up_to_date(read_settings(), only or [])
    if json:
        print_document({"revision": revision})
    else:
        print(f"The tables are up to date (revision {revision}).")


def bring_up_to_date(settings: Settings, only: Sequence[str] = ()) -> int:
    """Apply the migrations; the queue's revision that this version knows.

    Raises:
        RowcrewError: no connection, no right to, or the tables are busy.
    """
    import psycopg
    import sqlalchemy

    from rowcrew.cli.asking import explained
    from rowcrew.table.compatibility import SCHEMA_REVISION
    from rowcrew.table.migrate import migrate as apply_migrations

    address = settings.database_direct_url or settings.require_database_url()
    try:
        apply_migrations(address, only=only)
    except psycopg.Error as error:
        raise explained(error, address) from error
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise explained(error.orig, address) from error
        raise
    return SCHEMA_REVISION
