"""A reply that gets lost costs seconds: what it answered is told again over a second connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rig.proxy import Proxy
from rig.waiting import eventually
from rowcrew.control.road.record import LOCKED_PAUSE_SECONDS
from rowcrew.control.road.writing import LOCK_TIMEOUT
from rowcrew.model.outcome import Completed, Errored, Outcome
from rowcrew.model.patience import LEAST_SECONDS, Patience
from rowcrew.table.opening import CALL_SECONDS, DeadlineOver
from tests.control.site import Site

pytestmark = pytest.mark.anyio

SHORT_SECONDS = 0.2


class OfAQuickServer(Patience):
    """A patience that has learned of no slow answer, whatever else this machine does."""

    def answered(self, seconds: float) -> None:  # noqa: ARG002 - as measured here
        super().answered(0.0)


@pytest.fixture
def proxy(tcp_database_url: str) -> Iterator[Proxy]:
    with Proxy(tcp_database_url) as proxy:
        yield proxy


@pytest.fixture
async def far(proxy: Proxy) -> AsyncIterator[Site]:
    """A worker behind a proxy, which has recorded an end and waits for later answers only shortly."""
    site = Site(proxy.url)
    try:
        site.links.record._patience = OfAQuickServer(least=SHORT_SECONDS, most=CALL_SECONDS)
        await site.open()
        await site.finish(await site.start(), Completed())
        yield site
    finally:
        await site.close()


async def recorded(site: Site, proxy: Proxy) -> None:
    """Write what has ended; the first answer gets lost, and the time of the clock that waits passes."""
    proxy.lose(1, seed=1, purpose="record")
    recording = asyncio.create_task(site.road.recorder.once())
    await asyncio.to_thread(eventually, lambda: proxy.swallowed == 1)
    proxy.heal()
    await site.while_time_passes(recording)


ENDS: list[tuple[Outcome, str, list[str]]] = [
    (Completed(b'{"a":1}', b'[{"type":"quick","payload":{}}]'), "completed", []),
    (Completed(b'{"a":1}'), "completed", []),
    (Errored("broken"), "queued", ["retried"]),
]


@pytest.mark.parametrize(("outcome", "status", "words"), ENDS, ids=["children", "completed", "retried"])
async def test_an_end_whose_reply_got_lost_is_told_again_over_a_second_connection(
    far: Site, proxy: Proxy, outcome: Outcome, status: str, words: list[str]
) -> None:
    run = await far.start()
    opened = far.links.record.opened
    far.ended(run, outcome)
    await recorded(far, proxy)
    row = far.table.row(run.job.id)
    assert (row["status"], row["attempts"], far.table.outcomes(run.job.id)) == (status, 1, words)
    assert far.links.record.opened == opened + 1
    assert "no longer ours" not in far.said
    assert f"no answer within {SHORT_SECONDS} seconds" in far.said
    assert len(far.road.ledger) == 0
    assert far.links.record._patience.seconds() == SHORT_SECONDS  # what was missed has come through
    assert far.table.count("queued") == (1 if words or getattr(outcome, "children", None) else 0)


async def test_a_server_that_is_only_slow_is_waited_for_longer_each_time(far: Site) -> None:
    link = far.links.record
    for seconds in (SHORT_SECONDS, 2 * SHORT_SECONDS):
        with pytest.raises(DeadlineOver) as over:
            await link.fetch("SELECT pg_sleep(60)", {})
        assert over.value.seconds == seconds
        assert not link.is_open
    assert await link.fetch("SELECT pg_sleep(%(s)s)::text", {"s": 2.5 * SHORT_SECONDS}) == [("",)]
    assert link.opened == 3


@pytest.mark.parametrize("end", ["closes", "opens anew"])
async def test_of_a_connection_that_was_shut_nothing_waits_for_the_garbage_collector(
    far: Site, end: str
) -> None:
    link = far.links.record
    await link.open()
    shut: Any = link._connection
    with pytest.raises(DeadlineOver):
        await link.fetch("SELECT pg_sleep(60)", {})
    await (link.close() if end == "closes" else link.open())
    assert shut.pgconn.pgconn_ptr is None


async def test_a_deadline_that_a_caller_sets_and_nobody_meets_makes_no_other_longer(far: Site) -> None:
    link = far.links.record
    with pytest.raises(DeadlineOver):
        await link.fetch("SELECT pg_sleep(60)", {}, SHORT_SECONDS)
    assert link._patience.seconds() == SHORT_SECONDS


@contextmanager
def held_up(site: Site) -> Iterator[None]:
    """The first telling of an end goes on in the server for as long as the block lasts, its row locked."""
    site.table.rows(
        """
        CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM set_config('lock_timeout', '0', true);
            PERFORM pg_advisory_xact_lock_shared(1);
            RETURN NULL;
        END $$;
        CREATE TRIGGER hold_up AFTER UPDATE ON jobs
        FOR EACH ROW WHEN (NEW.status = 'completed') EXECUTE FUNCTION hold_up();
        """
    )
    with site.table.another() as other:
        other.execute("SELECT pg_advisory_xact_lock(1)")
        yield
        other.commit()


async def test_a_repeat_beside_a_first_telling_that_still_runs_waits_and_finds_it_done(far: Site) -> None:
    held, free = await far.start(), await far.start()
    far.links.record._patience = Patience(least=LEAST_SECONDS, most=LEAST_SECONDS)
    far.ended(held, Completed(b"1"))
    with held_up(far):
        await far.while_time_passes(far.road.recorder.once())
        assert "no answer within" in far.said
        assert far.table.row(held.job.id)["status"] == "processing"
        assert len(far.road.ledger) == 2
        assert "is back (record)" not in far.said  # a locked row says nothing of the statement that holds it
    await asyncio.to_thread(far.table.until, held.job.id, "completed")
    far.ended(free, Completed())
    far.clock.move(LOCKED_PAUSE_SECONDS)
    await far.while_time_passes(far.road.recorder.once())
    assert far.table.row(held.job.id)["result"] == 1
    assert "no longer ours" not in far.said
    assert "is back (record)" in far.said
    assert len(far.road.ledger) == 0
    assert float(LOCK_TIMEOUT.rstrip("s")) < LEAST_SECONDS


async def test_only_a_reserve_that_nobody_answers_for_long_makes_its_rows_suspect(site: Site) -> None:
    reserving, closed = site.organs.reserving, asyncio.Event()
    for seconds in (LEAST_SECONDS, CALL_SECONDS):
        await site.while_time_passes(reserving.comeback.outlast(DeadlineOver(seconds), closed=closed))
        assert reserving.odd_rows.suspected == (seconds == CALL_SECONDS)
