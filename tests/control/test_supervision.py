"""What a supervisor is told, word by word, over a real datagram socket."""

from __future__ import annotations

import asyncio
import io
import resource
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import psycopg
import pytest

from rig.waiting import as_far_as_it_gets
from rowcrew.control.care.supervision import Supervision
from rowcrew.log import Log
from rowcrew.settings import Supervisor
from rowcrew.table import worker as statements
from tests.control.site import Site

pytestmark = pytest.mark.anyio


class Ear:
    """The socket of a supervisor that is watching a worker."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(path))
        self.supervisor = Supervisor(str(path), watchdog_seconds=10)

    def heard(self) -> list[str]:
        return self._socket.recv(4096).decode().splitlines()

    def heard_nothing(self) -> bool:
        try:
            self.heard()
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    ear = Ear(tmp_path / "notify")
    yield ear
    ear.close()


def supervision(site: Site, supervisor: Supervisor, output: TextIO | None = None) -> Supervision:
    return Supervision(
        supervisor=supervisor,
        heartbeat=site.organs.heartbeat,
        lease_seconds=30,
        ledger=site.road.ledger,
        slots=4,
        clock=site.clock,
        log=Log("text", output or io.StringIO()),
    )


async def test_a_worker_says_that_it_is_ready_alive_and_how_busy_it_is(site: Site, ear: Ear) -> None:
    await site.start()
    supervision(site, ear.supervisor).tell()
    assert ear.heard() == ["READY=1", "STATUS=Ready; 1 of 4 slots in use", "WATCHDOG=1"]


async def test_a_worker_that_nobody_watches_says_nothing_of_a_watchdog(site: Site, ear: Ear) -> None:
    supervision(site, ear.supervisor._replace(watchdog_seconds=None)).tell()
    assert ear.heard() == ["READY=1", "STATUS=Ready; 0 of 4 slots in use"]


async def test_a_stopping_worker_is_not_ready_any_more_and_stays_alive(site: Site, ear: Ear) -> None:
    told = supervision(site, ear.supervisor)
    told.stopping()
    assert ear.heard() == ["STOPPING=1", "STATUS=Stopping; 0 of 4 slots in use", "WATCHDOG=1"]
    told.tell()
    assert "READY=1" not in ear.heard()


async def test_a_heartbeat_that_has_not_come_round_for_a_lease_is_no_proof_of_life(
    site: Site, ear: Ear
) -> None:
    told = supervision(site, ear.supervisor)
    async with site.organs.heartbeat._checking:
        wedged = asyncio.create_task(site.organs.heartbeat.once())
        await asyncio.sleep(0)
        site.clock.move(30)
        told.tell()
        assert "WATCHDOG=1" in ear.heard()
        site.clock.move(0.1)
        told.tell()
        assert "WATCHDOG=1" not in ear.heard()
    await wedged
    told.tell()
    assert "WATCHDOG=1" in ear.heard()


async def test_a_worker_whose_database_is_away_is_not_wedged(
    site: Site, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*given: object, **named: object) -> bool:
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(statements, "beat", fails)
    told = supervision(site, ear.supervisor)
    for _ in range(4):
        site.clock.move(20)
        await site.organs.heartbeat.once()
    told.tell()
    assert ear.heard() == [
        "READY=1",
        "STATUS=Ready; no answer from the database, 0 of 4 slots in use",
        "WATCHDOG=1",
    ]


async def test_the_word_is_given_twice_in_the_time_of_the_watchdog(site: Site, ear: Ear) -> None:
    telling = asyncio.create_task(supervision(site, ear.supervisor).run())
    try:
        for _ in range(3):
            await as_far_as_it_gets()
            assert "WATCHDOG=1" in ear.heard()
            assert ear.heard_nothing()
            site.clock.move(5)
    finally:
        telling.cancel()


async def test_a_supervisor_that_reads_nothing_holds_nobody_up(site: Site, ear: Ear) -> None:
    output = io.StringIO()
    told = supervision(site, ear.supervisor, output)
    for _ in range(2_000):
        told.tell()
    assert output.getvalue() == ""


async def test_a_socket_of_nobody_is_named_once(site: Site, tmp_path: Path) -> None:
    output = io.StringIO()
    told = supervision(site, Supervisor(str(tmp_path / "nobody"), None), output)
    told.tell()
    told.tell()
    assert output.getvalue() == "⚠️  NOTIFY_SOCKET leads to nobody: [Errno 2] No such file or directory\n"


async def test_a_worker_without_a_free_descriptor_goes_on(site: Site, ear: Ear) -> None:
    told = supervision(site, ear.supervisor)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        told.tell()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert ear.heard_nothing()
    told.tell()
    assert "WATCHDOG=1" in ear.heard()
