"""One guarded connection for one purpose: it opens when first used and every call on it has a deadline.

In: an address and a name. Out: rows as tuples of Python values. A call past its deadline shuts the socket,
because cancelling an await on a dead connection can take longer than a lease, and TCP options do not see a
proxy that acknowledges and forwards nothing. Called by control and by the command line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Final

import psycopg

from rowcrew.model.cleaning import clean_line
from rowcrew.model.patience import Patience
from rowcrew.table.any_text import read_any_text
from rowcrew.table.arrays import ArrayDumper
from rowcrew.table.hosts import CommitsWait, Timelines, places
from rowcrew.table.opening import CALL_SECONDS, Deadline, DeadlineOver, opened_async
from rowcrew.table.question import A, Asking, answered_async
from rowcrew.table.statements import SQL

# A worker prepares its statements when the table may still be empty. Reading all of it is the best plan then,
# and would stay the plan while it grows, until somebody analyses it.
PLANNING: Final[Mapping[str, str]] = {"enable_seqscan": "off", "jit": "off"}

# Whatever database or role prefer: our statements look again at rows that others have changed meanwhile,
# where stricter levels refuse, and a session rests while there is nothing to do.
SETTLED: Final[Mapping[str, str]] = {
    "default_transaction_isolation": "read committed",
    "idle_session_timeout": "0",
}

# The deadline of what a worker does beside its jobs: a tenth of a lease.
CHORE_SECONDS: Final = 4.0


def is_outage(error: BaseException) -> bool:
    """Whether time or a new connection may help: this one is lost, the server is down, full or read-only."""
    if isinstance(error, psycopg.errors.ProgramLimitExceeded | psycopg.errors.StatementTooComplex):
        return False  # a value is too large: psycopg counts class 54 to the operational errors
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or needs_new_link(error)


def is_about_data(error: BaseException) -> bool:
    """Whether a statement failed for what it reads or writes: others may pass where this row does not."""
    return isinstance(error, psycopg.Error | UnicodeError) and not is_outage(error)


def needs_new_link(error: BaseException) -> bool:
    """Whether the session, not the server, is what refuses: opened while the database took no writes, or with
    statements prepared for a table that has another form now.
    """
    if isinstance(error, psycopg.errors.FeatureNotSupported):
        return error.diag.source_function == "RevalidateCachedQuery"  # its text is in the server's language
    return isinstance(error, psycopg.errors.ReadOnlySqlTransaction | psycopg.errors.InvalidSqlStatementName)


def reason(error: BaseException) -> str:
    """One line for the log, without password, payload or server detail."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return clean_line(f"{error.diag.message_primary} ({error.sqlstate})")
    return clean_line(str(error) or type(error).__name__)


def is_lent(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any], server_process: int) -> bool:
    """Whether a pooler stands before the session of this server process.

    It answers the start-up itself, with a process id that is not the server's.
    """
    return server_process != connection.info.backend_pid


def is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """Whether a pooler stands before this session: what it listens to would go to others."""
    row: Sequence[Any] | None = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is not None and is_lent(connection, row[0])


def for_session(settings: Mapping[str, str]) -> dict[str, Any]:
    """What `set_config` takes for a session that runs a worker's statements, with settings of its own."""
    return _settings({**SETTLED, **PLANNING, **settings}, local=False)


def _settings(settings: Mapping[str, str], *, local: bool) -> dict[str, Any]:
    return {"names": list(settings), "values": list(settings.values()), "local": local}


class _Call(Deadline):
    """The deadline of one call, from which the link learns how long the next may take."""

    def __init__(
        self, connection: psycopg.AsyncConnection[Any], patience: Patience, seconds: float | None, size: int
    ) -> None:
        super().__init__(connection, patience.seconds(size) if seconds is None else seconds)
        self._patience = patience
        self._is_the_links = seconds is None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._patience.answered(self._loop.time() - self._began)
        elif self.is_over and self._is_the_links:  # one that the caller has set was the caller's guess
            self._patience.missed()
        super().__exit__(kind, error, trace)


class Link:
    """A connection with a purpose, to one database, for one event loop.

    Args:
        address: as in DATABASE_URL.
        purpose: becomes part of application_name, so that pg_stat_activity tells the connections apart.
        session: further settings of the session, applied where the connection reaches the server itself.
        patience: how long a call may take for which nobody says so; by default always as long.
        any_text: whether text that is no UTF-8, where the database allows it, is shown and not refused.
        timelines: what keeps the link from an old primary; links to one database share it.
    """

    def __init__(
        self,
        address: str,
        *,
        purpose: str,
        session: Mapping[str, str] | None = None,
        patience: Patience | None = None,
        any_text: bool = False,
        timelines: Timelines | None = None,
    ) -> None:
        self._address = address
        self._purpose = purpose
        self._session = session or {}
        self._patience = patience or Patience(least=CALL_SECONDS, most=CALL_SECONDS)
        self._opening_patience = Patience(most=CALL_SECONDS)
        self._any_text = any_text
        self._timelines = timelines
        self._server_process = 0
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._busy = asyncio.Lock()
        self.pooled = False
        self.opened = 0

    @property
    def is_open(self) -> bool:
        return self._connection is not None and not self._connection.closed

    @property
    def hosts(self) -> int:
        """How many servers the address names."""
        return len(places(self._address))

    @property
    def takes_no_writes(self) -> bool:
        """Whether the open connection has said of itself that it is one of a stand-by, or reads only."""
        assert self._connection is not None
        said = self._connection.info.parameter_status
        return "on" in (said("in_hot_standby"), said("default_transaction_read_only"))

    def facts(self) -> dict[str, str]:
        """What a log may say about the open connection: database, host, port and server version."""
        assert self._connection is not None
        info = self._connection.info
        number = info.server_version
        return {
            "database": info.dbname,
            "host": info.host or "a local socket",
            "port": str(info.port),
            "version": f"{number // 10000}.{number % 10000}",
        }

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS protects the open connection, as far as this end sees it."""
        assert self._connection is not None
        return bool(self._connection.pgconn.ssl_in_use)

    async def fetch(
        self, query: str, parameters: Mapping[str, Any], seconds: float | None = None, *, size: int = 0
    ) -> list[Any]:
        """Execute a statement; rows are tuples of Python values.

        Args:
            seconds: its deadline, if it is not for the link to know.
            size: how many bytes it carries, if they are many.
        """
        cursor = await self._execute(query, parameters, seconds, size)
        has_rows = cursor.rownumber is not None  # `description` would make an object of each column
        return await cursor.fetchall() if has_rows else []

    async def open(self) -> None:
        """Connect now, so that the next call takes no longer than its statement."""
        async with self._busy:
            await self._opened()

    async def ask(self, asking: Asking[A]) -> A:
        """Answer a verb of `producer` or `run` on this connection."""
        return await answered_async(asking, lambda question: self.fetch(*question))

    @asynccontextmanager
    async def transaction(self, settings: Mapping[str, str] | None = None) -> AsyncIterator[None]:
        """One transaction around the calls inside, with settings that end with it."""
        connection = await self._opened()
        with self._call(connection):
            await connection.execute("BEGIN")
            if settings:
                await connection.execute(SQL["link/set_config"], _settings(settings, local=True))
        try:
            yield
        except BaseException:
            await self._end("ROLLBACK")
            raise
        await self._end("COMMIT")

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await _shut(connection)

    def came_through(self) -> None:
        """What had to be sent again was answered."""
        self._patience.came_through()

    def _call(
        self, connection: psycopg.AsyncConnection[Any], seconds: float | None = None, size: int = 0
    ) -> Deadline:
        return _Call(connection, self._patience, seconds, size)

    async def _execute(
        self, query: str, parameters: Mapping[str, Any], seconds: float | None, size: int
    ) -> psycopg.AsyncCursor[Any]:
        async with self._busy:
            connection = await self._opened()
            try:
                with self._call(connection, seconds, size):
                    return await connection.execute(query, parameters, prepare=not self.pooled)
            except psycopg.Error as error:
                if needs_new_link(error):
                    await _shut(connection)
                raise

    async def _end(self, command: str) -> None:
        if self._connection is not None and not self._connection.closed:
            with self._call(self._connection):
                await self._connection.execute(command)

    async def _opened(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            await self.close()
            self._connection = await self._open()
            self.opened += 1
        return self._connection

    async def _open(self) -> psycopg.AsyncConnection[Any]:
        patience = self._opening_patience
        try:
            connection = await opened_async(
                self._address,
                name=self._purpose,
                autocommit=True,
                seconds=patience.seconds(),
                admit=self._admit,
            )
        except (psycopg.errors.ConnectionTimeout, DeadlineOver):
            patience.missed()
            raise
        try:
            with _Call(connection, patience, None, 0):
                await self._settle(connection)
        except BaseException:
            await _shut(connection)
            raise
        patience.came_through()
        return connection

    async def _admit(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """See that this server may be spoken to.

        The server does not notice that its client has gone while a commit waits for a stand-by. Each call
        sent again would leave one more session behind, until no connection is left for anybody.
        """
        if self._timelines is not None:
            await self._timelines.admit(connection)
        if self._server_process:
            facts = {"process": self._server_process, "name": f"rowcrew {self._purpose}"}
            if await (await connection.execute(SQL["link/still_waits"], facts)).fetchone():
                raise CommitsWait("commits wait for a synchronous stand-by", connection)

    async def _settle(self, connection: psycopg.AsyncConnection[Any]) -> None:
        connection.adapters.register_dumper(list, ArrayDumper)
        self.pooled = await _is_pooled(connection)
        if self.pooled:
            connection.prepare_threshold = None
            self._server_process = 0
        else:
            self._server_process = connection.info.backend_pid
            await connection.execute(SQL["link/set_config"], for_session(self._session))
        if self._any_text:
            await read_any_text(connection)


async def _shut(connection: psycopg.AsyncConnection[Any]) -> None:
    """Close it, a lost one too: psycopg leaves the descriptor of such a one to the garbage collector."""
    with suppress(psycopg.Error):
        await connection.close()
    connection.pgconn.finish()


async def _is_pooled(connection: psycopg.AsyncConnection[Any]) -> bool:
    cursor = await connection.execute("SELECT pg_backend_pid()")
    row: Sequence[Any] | None = await cursor.fetchone()
    return row is not None and is_lent(connection, row[0])
