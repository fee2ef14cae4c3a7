"""The shipped roles are enough: a producer keeps schedules, a worker fires them, a reader looks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rig.logins import As, Login
from tests.schedules.conftest import Desk, Firing

pytestmark = pytest.mark.anyio


@pytest.fixture
async def worker(login: Login) -> AsyncIterator[Firing]:
    """A worker's chore with no more than a worker's role."""
    one = Firing(login("worker"))
    yield one
    await one.link.close()


@pytest.mark.parametrize("overlap", ["allow", "skip", "queueOne", "cancelOld"])
async def test_what_a_producer_inserts_a_worker_fires(
    as_role: As, worker: Firing, desk: Desk, overlap: str
) -> None:
    backend = as_role("producer")
    backend.execute(
        """INSERT INTO schedules (name, type, cron, overlap, "pauseAfterFailures")
           VALUES ('nightly', 'noop', '0 2 * * *', %s, 9)""",
        [overlap],
    )
    for _ in range(2):
        backend.execute('UPDATE schedules SET "nextAt" = now()')
        await worker.once()
    worker.clock.move(4000)
    await worker.once()
    assert "refuses" not in worker.output.getvalue()
    assert len(desk.ticks()) == 2
    desk.hands.execute("UPDATE jobs SET status = 'completed' WHERE status IN ('queued', 'processing')")
    await worker.once()
    assert desk.row('"waitingTick"') is None
    backend.execute("DELETE FROM schedules")
    assert desk.ticks() == []


async def test_a_reader_sees_schedules_and_their_ticks_without_payloads(as_role: As, desk: Desk) -> None:
    desk.add()
    reader = as_role("reader")
    assert reader.execute('SELECT name, cron, "nextAt", problem FROM schedules').fetchall() != []
    assert reader.execute("SELECT * FROM schedule_ticks").fetchall() == []
    assert reader.execute("SELECT has_column_privilege('schedules', 'payload', 'SELECT')").fetchone() == (
        False,
    )
