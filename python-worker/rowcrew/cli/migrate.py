"""`rowcrew migrate`: brings the tables up to date. Only here SQLAlchemy and Alembic are imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

from cyclopts import Parameter

from rowcrew.cli import FAILURE, SUCCESS
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import print_document
from rowcrew.model.errors import RowcrewError
from rowcrew.model.terminal_text import one_line
from rowcrew.settings import Settings


def migrate(
    *,
    only: Annotated[list[str] | None, Parameter(name="--only")] = None,
    repair: bool = False,
    shape: str | None = None,
    json: AsJson = False,
) -> int:
    """Bring the tables of the database up to date: the queue's and those of every installed family.

    Safe at any time, from several places at once and while workers run.
    DATABASE_DIRECT_URL, if set, is used. What is missing or different from
    what the migrations made is named.

    Parameters
    ----------
    only
        Only this family's tables, or with queue the queue's; repeatable.
    repair
        Also put back what is missing or different, without changing or
        deleting a row. Exit code 1 if a person must decide about some of it.
    shape
        Only print what a family's tables are made of, for its shape.json.
    """
    settings = read_settings()
    if shape is not None:
        print(_shape(settings, shape), end="")
        return SUCCESS
    if (later := _later(settings)) is not None and repair:
        what = f"the tables are at revision {later}, which this version does not know"
        raise RowcrewError(f"{what}: upgrade rowcrew, then repair")
    remembered = _remembered(settings) if repair else []
    revision = bring_up_to_date(settings, only or [])
    if later is not None:
        return _told_of_later(later, revision, as_json=json)
    lines = remembered + _repaired(settings) if repair else _compared(settings)
    if json:
        print_document({"revision": revision, "differences": lines})
    else:
        for line in lines:
            print(one_line(_told(line)))
        if lines and not repair:
            print("`rowcrew migrate --repair` puts back what it can, and says what a person must decide.")
        print(f"The tables are up to date (revision {revision}).")
    return FAILURE if repair and any(line["refused"] for line in lines) else SUCCESS


def bring_up_to_date(settings: Settings, only: Sequence[str] = ()) -> int:
    """Apply the migrations; the queue's revision that this version knows.

    Raises:
        RowcrewError: no connection, no right to, or the tables are busy.
    """
    from rowcrew.table.compatibility import SCHEMA_REVISION
    from rowcrew.table.migrate import migrate as apply_migrations

    with _explained(settings) as address:
        apply_migrations(address, only=only)
    return SCHEMA_REVISION


def _later(settings: Settings) -> int | None:
    from rowcrew.table.migrate import later_revision

    with _explained(settings) as address:
        return later_revision(address)


def _told_of_later(later: int, known: int, *, as_json: bool) -> int:
    """A release that was taken back finds the tables of the one after it, and leaves them as they are."""
    if as_json:
        print_document({"revision": later, "differences": []})
    else:
        print(f"The tables are at revision {later}; this version needs {known}, and leaves them as they are.")
    return SUCCESS


def _compared(settings: Settings) -> list[dict[str, Any]]:
    from rowcrew.table.repair import found_differences

    with _explained(settings) as address:
        return [{"what": one.what} for one in found_differences(address)]


def _repaired(settings: Settings) -> list[dict[str, Any]]:
    from rowcrew.table.repair import repair

    with _explained(settings) as address:
        return [one._asdict() for one in repair(address)]


def _remembered(settings: Settings) -> list[dict[str, Any]]:
    from rowcrew.table.migrate import VERSION_TABLE, remember

    with _explained(settings) as address:
        what = f"the table {VERSION_TABLE} no longer said what was migrated"
        return [{"what": what, "refused": None, "emptied": False}] if remember(address) else []


def _shape(settings: Settings, name: str) -> str:
    from rowcrew.table.repair import described
    from rowcrew.table.shape import written

    with _explained(settings) as address:
        return written(described(address, name))


def _told(line: dict[str, Any]) -> str:
    match line:
        case {"refused": str(why), "what": what}:
            return f"❌ {what}, and is left: {why}"
        case {"emptied": True, "what": what}:
            held = "" if what.startswith("view ") else ", without what it held"
            return f"🔧 {what}: put back{held}; rights to it come from rowcrew roles"
        case {"refused": None, "what": what}:
            return f"🔧 {what}: put back"
    return f"❌ {line['what']}"


@contextmanager
def _explained(settings: Settings) -> Iterator[str]:
    """The address to use; what the database refuses there is told in a sentence.

    Raises:
        RowcrewError: no connection, no right to, or the tables are busy.
    """
    import psycopg
    import sqlalchemy

    from rowcrew.cli.asking import explained

    address = settings.database_direct_url or settings.require_database_url()
    try:
        yield address
    except psycopg.Error as error:
        raise explained(error, address) from error
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise explained(error.orig, address) from error
        raise
