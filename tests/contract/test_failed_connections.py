"""A connection that could not be opened leaves nothing behind: no error, no frames and above all no socket.

A worker tries again for as long as an outage lasts, and its collector comes seldom: it is off here.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import Awaitable, Callable, Iterator

import psutil
import psycopg
import pytest

from rig.ports import free_port
from rowcrew.client import enqueue, enqueue_async
from rowcrew.context import Context
from rowcrew.crew import Crew
from rowcrew.model.errors import DatabaseUnavailable
from rowcrew.table.link import Link
from rowcrew.table.listening import listen
from rowcrew.table.opening import KEEPALIVE
from rowcrew.table.statements import SQL
from rowcrew.testing import run_handler_async

DATABASE = "postgresql://somebody@127.0.0.1:{port}/somewhere"
crew = Crew()
seen: list[weakref.ref[BaseException]] = []


@crew.job("plain")
def plain(context: Context) -> None:
    try:
        with context.transaction():
            pass
    except psycopg.OperationalError as error:
        seen.append(weakref.ref(error))


@crew.job("async")
async def with_await(context: Context) -> None:
    try:
        async with context.transaction():
            pass
    except psycopg.OperationalError as error:
        seen.append(weakref.ref(error))


async def by_line(address: str) -> None:
    await Link(address, purpose="test").fetch(SQL["worker/schema_revision"], {})


async def by_listening(address: str) -> None:
    await listen(address, listening=lambda: None, receive=lambda *_: None)


async def by_plain_transaction(address: str) -> None:
    await run_handler_async(crew, "plain", database_url=address)


async def by_async_transaction(address: str) -> None:
    await run_handler_async(crew, "async", database_url=address)


async def by_enqueueing(address: str) -> None:
    await asyncio.to_thread(enqueue, "x")


async def by_async_enqueueing(address: str) -> None:
    await enqueue_async("x")


WAYS = (
    by_line,
    by_listening,
    by_plain_transaction,
    by_async_transaction,
    by_enqueueing,
    by_async_enqueueing,
)


@pytest.fixture(params=["refuses", "is silent"])
def address(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Of a server that does not serve."""
    monkeypatch.setitem(KEEPALIVE, "connect_timeout", 2)  # the least that psycopg heeds
    if request.param == "refuses":
        yield DATABASE.format(port=free_port())
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield DATABASE.format(port=listener.getsockname()[1])


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    seen.clear()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("way", WAYS)
def test_a_failed_attempt_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, address: str, way: Callable[[str], Awaitable[None]]
) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    this = psutil.Process()

    async def try_once() -> None:
        try:
            await way(address)
        except psycopg.OperationalError as error:
            seen.append(weakref.ref(error))
        except DatabaseUnavailable as error:
            assert error.__cause__ is not None
            seen.append(weakref.ref(error.__cause__))

    async def try_twice() -> int:
        await try_once()  # what the loop opens for itself, such as threads, is open after the first
        before = this.num_fds()
        await try_once()
        opened: int = this.num_fds() - before
        return opened

    assert asyncio.run(try_twice()) == 0, "a socket was left open"
    assert [error() for error in seen] == [None, None], "an error was kept"
