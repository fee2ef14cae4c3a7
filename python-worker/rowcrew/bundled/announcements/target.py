"""The database of announcements: the one of the jobs, or another that SUPABASE_DB_URL names.

In: a run's context. Out: a connection. Where both databases are one, what is written there commits together
with the job's completion; otherwise when the block ends, and a run that was killed in between writes the same
again. Called by the handlers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from rowcrew.bundled.announcements.settings import AnnouncementSettings
from rowcrew.context import Context, PermanentError

_CONNECT_SECONDS: Final = 10


@contextmanager
def target(context: Context) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the database of announcements, in a transaction.

    Raises:
        PermanentError: the payload holds what the tables refuse.
        psycopg.Error: the database failed; a later attempt may succeed.
    """
    with _explained():
        if _address() is None:
            with context.transaction() as connection:
                yield connection
        else:
            with _connected(context) as connection:
                yield connection


@contextmanager
def target_beside(own: psycopg.Connection[Any], context: Context) -> Iterator[psycopg.Connection[Any]]:
    """The same for a run that has a transaction of its own open already, which serves where it can."""
    with _explained():
        if _address() is None:
            yield own
        else:
            with _connected(context) as connection:
                yield connection


def _address() -> str | None:
    return AnnouncementSettings.read().database_url


def _connected(context: Context) -> psycopg.Connection[Any]:
    # A pooler may lend a session to one transaction; a prepared statement would stay in it.
    return psycopg.connect(
        _address() or "",
        connect_timeout=_CONNECT_SECONDS,
        prepare_threshold=None,
        application_name=f"job {context.job.id}",
    )


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (psycopg.IntegrityError, psycopg.DataError) as error:
        raise PermanentError(f"the payload cannot be stored: {_first_line(error)}") from error
    except psycopg.errors.UndefinedTable as error:
        raise PermanentError(
            f"{_first_line(error)}: `rowcrew migrate --only announcements` makes it in that database"
        ) from error


def _first_line(error: psycopg.Error) -> str:
    return str(error).partition("\n")[0]
