"""How many bytes of values control holds, and what runners are told about it."""

from __future__ import annotations

import asyncio
from typing import Any, LiteralString

import psycopg
import pytest

from rig.waiting import as_far_as_it_gets, comes_true
from rowcrew.control.road.backlog import MOST_BYTES, MOST_BYTES_ASIDE
from rowcrew.control.road.notes import EVERY_SECONDS
from rowcrew.control.road.record import LOCKED_PAUSE_SECONDS
from rowcrew.control.run import Run, StopReason
from rowcrew.model.outcome import Completed, Errored
from rowcrew.runner.wire import Pressure, Report
from rowcrew.table import worker as statements
from tests.control.site import OpenSite, Site

pytestmark = pytest.mark.anyio

VALUE = b'"' + b"x" * 900_000 + b'"'
ENOUGH = MOST_BYTES // len(VALUE) + 1


@pytest.fixture
async def site(open_site: OpenSite) -> Any:
    return await open_site(concurrency=3 * ENOUGH)


def pressure(site: Site) -> list[bool]:
    return [message.is_high for message in site.runner.heard if isinstance(message, Pressure)]


async def start(site: Site, many: int, type: str = "quick", **columns: Any) -> list[Run]:
    ids = [site.table.enqueue(type, **columns) for _ in range(many)]
    while await site.reserve(many):
        pass
    runs = [site.running(id) for id in ids]
    site.began(runs)
    return runs


def finished(site: Site, run: Run) -> None:
    report = Report([], [], [], [], [run.job.lease_id])
    site.road.reports.on_report(site.runner, report)


async def test_runners_keep_large_results_until_half_of_what_control_holds_is_written(site: Site) -> None:
    runs = await start(site, ENOUGH)
    for run in runs[:-1]:
        site.ended(run, Completed(VALUE))
    assert pressure(site) == []
    site.ended(runs[-1], Completed(VALUE))
    assert pressure(site) == [True]
    held: list[int] = []
    writing = asyncio.ensure_future(site.road.recorder.once())
    while not writing.done():
        held.append(site.road.backlog.bytes_held)
        if len(pressure(site)) > 1:
            assert site.road.backlog.bytes_held <= MOST_BYTES // 2
        await asyncio.sleep(0)
    assert pressure(site) == [True, False]
    assert max(held) == ENOUGH * len(VALUE)
    assert site.road.backlog.bytes_held == 0


async def test_control_never_holds_more_than_its_limit_and_the_report_that_filled_it(site: Site) -> None:
    """The runner here obeys as a real one does: it sends the next large value when it may."""
    runs = await start(site, 3 * ENOUGH)
    backlog, held = site.road.backlog, [0]
    while runs:
        while runs and not backlog.full.is_set():
            site.noted(runs[-1], checkpoint=VALUE)
            if not backlog.full.is_set():
                site.ended(runs.pop(), Completed(VALUE))
            held.append(backlog.bytes_held)
        await site.road.notes.once()
        await site.road.recorder.once()
    assert max(held) <= MOST_BYTES + 2 * len(VALUE)
    assert backlog.bytes_held == 0
    rows = site.table.rows("SELECT count(*) AS completed FROM jobs WHERE status = 'completed'")
    assert rows == [{"completed": 3 * ENOUGH}]


async def test_of_progress_and_checkpoints_the_newest_counts_until_a_row_has_it(site: Site) -> None:
    (run,) = await start(site, 1)
    site.noted(run, b'"a word"', VALUE)
    site.noted(run, b"1", VALUE)
    assert site.road.backlog.bytes_held == len(VALUE) + 1
    await site.road.notes.once()
    assert site.road.backlog.bytes_held == 0


@pytest.mark.parametrize("how", ["ends", "is cancelled", "ends while its note is written"])
async def test_words_that_no_row_has_when_a_run_ends_count_once(site: Site, how: str) -> None:
    (run,) = await start(site, 1)
    site.noted(run, checkpoint=VALUE)
    note = site.road.notes.once() if how == "ends while its note is written" else None
    writing = asyncio.ensure_future(note) if note is not None else None
    if writing is not None:
        await asyncio.sleep(0)
    if how == "is cancelled":
        site.road.stopping.stop(run, StopReason.TAKEN)
    site.ended(run, Errored("no"))
    assert site.road.backlog.bytes_held == (0 if how == "is cancelled" else len(VALUE))
    if writing is not None:
        await writing
    await site.road.recorder.once()
    assert site.road.backlog.bytes_held == 0


async def test_a_full_backlog_hurries_notes(site: Site) -> None:
    runs = await start(site, ENOUGH)
    writing = asyncio.ensure_future(site.road.notes.run())
    site.noted(runs[0], b"1")
    await comes_true(lambda: site.table.row(runs[0].job.id)["progress"] == 1)
    for run in runs:
        site.noted(run, checkpoint=VALUE)
    await comes_true(lambda: site.road.backlog.bytes_held == 0)  # and no second has passed
    writing.cancel()


@pytest.mark.parametrize("why", ["cancelled by hand", "locked", "refused"])
async def test_notes_that_no_row_takes_leave_room_for_the_ends_of_their_runs(site: Site, why: str) -> None:
    """An end waits in its runner while there is no room, and the words of a run count until its end."""
    runs = await start(site, ENOUGH)
    ids = [run.job.id for run in runs]
    with psycopg.connect(site.table.address) as hand:
        if why == "locked":
            hand.execute("SELECT FROM jobs FOR UPDATE")
        elif why == "refused":
            site.table.rows(REFUSE_NOTES)
        for run in runs:
            site.noted(run, checkpoint=VALUE)
        if why == "cancelled by hand":
            site.table.rows("UPDATE jobs SET status = 'cancelled' WHERE id = ANY (%s)", ids)
        assert pressure(site) == [True]
        await site.road.notes.once()
    assert (pressure(site), site.road.backlog.bytes_held) == ([True, False], 0)
    site.noted(runs[0], b"1")
    assert site.road.backlog.bytes_held == len(VALUE) + 1
    for run in runs:
        site.ended(run, Errored("no"))
    await site.road.recorder.once()
    assert site.road.backlog.bytes_held == 0


async def test_a_full_backlog_hurries_nobody_while_the_database_is_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: Any) -> list[str]:
        asked.append(site.clock.now())
        raise psycopg.OperationalError("the connection is closed")

    asked: list[float] = []
    monkeypatch.setattr(statements, "note", lost)
    for run in await start(site, ENOUGH):
        site.noted(run, checkpoint=VALUE)
    writing = asyncio.ensure_future(site.road.notes.run())
    await as_far_as_it_gets(300)
    assert set(asked) == {1000.0}
    before = len(asked)
    site.clock.move(EVERY_SECONDS)
    await as_far_as_it_gets(300)
    assert len(asked) == 2 * before <= 10  # as many statements as there are portions
    writing.cancel()


async def test_a_runner_that_starts_while_the_backlog_is_full_is_told(site: Site) -> None:
    for run in await start(site, ENOUGH):
        site.ended(run, Completed(VALUE))
    site.runners.add("solo")
    new = site.all_runners[-1]
    assert new.heard == [Pressure(True)]


async def test_rows_that_somebody_locks_leave_room_for_others_while_there_is_room_aside(site: Site) -> None:
    many = MOST_BYTES_ASIDE // len(VALUE)
    runs = await start(site, many + 2)
    with psycopg.connect(site.table.address) as holder:
        holder.execute("SELECT FROM jobs FOR UPDATE")
        for run in runs:
            site.ended(run, Completed(VALUE))
        await site.road.recorder.once()
        assert site.road.backlog.bytes_held == 2 * len(VALUE)
        assert pressure(site) == [True, False]
        site.clock.move(LOCKED_PAUSE_SECONDS)  # tried again in vain
        assert site.road.backlog.bytes_held == 2 * len(VALUE)
        await site.road.recorder.once()
        assert site.road.backlog.bytes_held == 2 * len(VALUE)
    site.clock.move(LOCKED_PAUSE_SECONDS)
    await site.road.recorder.once()
    assert site.road.backlog.bytes_held == 0
    assert site.table.count("completed") == many + 2
    (run,) = await start(site, 1)
    with psycopg.connect(site.table.address) as holder:  # the room aside is free again
        holder.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", [run.job.id])
        site.ended(run, Completed(VALUE))
        await site.road.recorder.once()
        assert site.road.backlog.bytes_held == 0


REFUSE_NOTES: LiteralString = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'no notes'; END $$;
    CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW
    WHEN (NEW.checkpoint IS DISTINCT FROM OLD.checkpoint AND NEW.status = 'processing')
    EXECUTE FUNCTION refuse()
"""
REFUSE: LiteralString = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'not this one'; END $$;
    CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW
    WHEN (OLD.status = 'processing' AND NEW.status <> 'processing') EXECUTE FUNCTION refuse()
"""


async def test_rows_that_take_no_end_leave_room_for_others_and_keep_so_many_bytes_of_values(
    site: Site,
) -> None:
    many = MOST_BYTES_ASIDE // len(VALUE) + 1
    runs = await start(site, many)
    site.table.rows(REFUSE)
    for run in runs:
        site.ended(run, Completed(VALUE))
    await site.road.recorder.once()
    assert site.road.backlog.bytes_held == 0
    site.table.rows("DROP FUNCTION refuse CASCADE")
    site.clock.move(30)
    await site.road.recorder.once()
    assert site.road.backlog.bytes_held == 0
    counted = site.table.rows("SELECT status, count(*) AS rows FROM jobs GROUP BY status ORDER BY status")
    assert counted == [{"status": "completed", "rows": many - 1}, {"status": "failed", "rows": 1}]
    (failed,) = site.table.rows("SELECT * FROM jobs WHERE status = 'failed'")
    assert "not this one" in failed["errorMessage"]


async def test_a_run_whose_end_waits_in_its_runner_is_past_its_limit_and_past_killing(site: Site) -> None:
    limited, cancelled = await start(site, 2, "limited")
    finished(site, limited)
    finished(site, cancelled)
    site.road.stopping.stop(cancelled, StopReason.TAKEN)
    site.clock.move(600)
    assert limited.stop is None
    assert not site.runner.was_killed()
    site.ended(limited, Completed(VALUE))
    await site.road.recorder.once()
    assert site.table.row(limited.job.id)["status"] == "completed"


async def test_of_a_dead_runner_only_those_still_at_work_are_suspects(site: Site) -> None:
    (at_work,) = await start(site, 1)
    ended = await start(site, 1)
    finished(site, ended[0])
    site.runners.leave(site.runner, "killed by SIGKILL")
    await site.road.recorder.once()
    assert site.table.outcomes(ended[0].job.id) == ["released"]
    assert site.table.row(ended[0].job.id)["crashes"] == 0
    assert site.table.outcomes(at_work.job.id) == ["lost"]
    assert site.table.row(at_work.job.id)["crashes"] == 1
