"""The one way to open a connection: encoding, dates, keepalive, deadline, name, whatever the database says.

In: an address and a name for pg_stat_activity. Out: a psycopg connection whose session answers as our code
reads it. Called by links, listeners, clients, runs and migrations. Sync and async differ in `await` alone.
"""

from __future__ import annotations

import asyncio
import math
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from rowcrew.table.address import for_psycopg
from rowcrew.table.hosts import NotAdmitted, others
from rowcrew.table.shutting import shut_socket
from rowcrew.table.statements import SQL

KEEPALIVE: Final[Mapping[str, Any]] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# Of several servers one takes writes, and all that we open may write.
WRITING: Final[Mapping[str, Any]] = {"target_session_attrs": "read-write"}
CALL_SECONDS: Final = 15.0
_LAST_LOOK_SECONDS: Final = 0.05
# A database or a role may prefer others, and psycopg reads no date or interval in them.
_STYLES: Final = {"DateStyle": "ISO", "IntervalStyle": "postgres"}

Admit = Callable[[psycopg.AsyncConnection[Any]], Awaitable[None]]
AnyConnection = psycopg.Connection[Any] | psycopg.AsyncConnection[Any]


def options(name: str, address: str) -> dict[str, Any]:
    """What every connection of ours asks for when it opens; what the address names itself stays."""
    # Without the encoding, text comes as bytes out of a database in SQL_ASCII.
    given = conninfo_to_dict(for_psycopg(address))
    ours = {**KEEPALIVE, **(WRITING if "," in str(given.get("host")) else {})}
    asked = {option: value for option, value in ours.items() if option not in given}
    return {"application_name": f"rowcrew {name}", "client_encoding": "UTF8", **asked}


def opened(address: str, *, name: str, autocommit: bool = False) -> psycopg.Connection[Any]:
    """A connection with its session settled.

    Raises:
        psycopg.Error: there is no way in, or the address cannot be read.
    """
    with connecting():
        connection = psycopg.connect(for_psycopg(address), autocommit=True, **options(name, address))
    try:
        settle(connection)
        connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise
    return connection


async def opened_async(
    address: str,
    *,
    name: str,
    autocommit: bool = False,
    seconds: float = CALL_SECONDS,
    admit: Admit | None = None,
) -> psycopg.AsyncConnection[Any]:
    """`opened`, for the running event loop; every step of it has this deadline, or a shorter one.

    Args:
        admit: looks at a server before it is spoken to; where it raises `NotAdmitted`, the address's other
            hosts are tried.
    """
    asked = options(name, address)
    if "connect_timeout" in asked:
        asked["connect_timeout"] = min(asked["connect_timeout"], max(2, math.ceil(seconds)))
    refused: NotAdmitted | None = None
    while True:
        try:
            return await _opened_async(address, asked, autocommit, seconds, admit)
        except NotAdmitted as error:
            refused = error
            rest = others(conninfo_to_dict(for_psycopg(address)) | asked, error.place)
            if rest is None:
                raise
            asked |= rest
        except psycopg.Error:
            if refused is None:
                raise
            raise refused from None  # it says more than that the others do not answer


async def _opened_async(
    address: str, asked: dict[str, Any], autocommit: bool, seconds: float, admit: Admit | None
) -> psycopg.AsyncConnection[Any]:
    with connecting():
        connection = await psycopg.AsyncConnection.connect(for_psycopg(address), autocommit=True, **asked)
    try:
        with Deadline(connection, seconds):
            await settle_async(connection)
            if admit is not None:
                await admit(connection)
        await connection.set_autocommit(autocommit)
    except BaseException:
        await connection.close()
        raise
    return connection


def settle(connection: psycopg.Connection[Any]) -> None:
    """Make the session write dates as we read them; costs nothing where it does. Needs autocommit."""
    if styles := _other_styles(connection):
        connection.execute(SQL["link/set_config"], styles)


async def settle_async(connection: psycopg.AsyncConnection[Any]) -> None:
    """`settle`, for an async connection."""
    if styles := _other_styles(connection):
        await connection.execute(SQL["link/set_config"], styles)


def _other_styles(connection: AnyConnection) -> dict[str, Any] | None:
    """What `link/set_config` takes to change styles that are not ours. Poolers keep them for each client."""
    reported = connection.info.parameter_status
    wrong = {name: ours for name, ours in _STYLES.items() if not (reported(name) or "").startswith(ours)}
    if not wrong:
        return None
    return {"names": list(wrong), "values": list(wrong.values()), "local": False}


@contextmanager
def connecting() -> Iterator[None]:
    """Around the opening of a connection: an attempt that fails leaves nothing behind.

    psycopg's error leads to the frame that raised it, and that frame back to the error and, when the time was
    over, to the open socket. Such circles wait for the garbage collector, and it seldom comes in a worker.
    """
    try:
        yield
    except psycopg.Error as error:
        traceback.clear_frames(error.__traceback__)
        raise


class DeadlineOver(psycopg.OperationalError):
    """The connection was shut because no answer had come; the statement may have been carried out.

    Attributes:
        seconds: for how long an answer was waited for.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:.3g} seconds")
        self.seconds = seconds


class Deadline:
    """A time limit of a call: it shuts the socket, and whoever waits on it gets `DeadlineOver` at once.

    Cheaper than a task with a timeout, and sure.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any], seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self.is_over = False

    def __enter__(self) -> None:
        self._began = self._loop.time()
        self._timer = self._loop.call_at(self._began + self._seconds, self._last_look)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self.is_over and isinstance(error, psycopg.Error):
            raise DeadlineOver(self._seconds) from error

    def _last_look(self) -> None:
        """In a process that was held up the answer may lie there unread: let it be read first."""
        self._timer = self._loop.call_later(_LAST_LOOK_SECONDS, self._over)

    def _over(self) -> None:
        self.is_over = True
        shut_socket(self._connection)
