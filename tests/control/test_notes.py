"""What handlers say reaches their rows, and runs that take long show that they live."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
import pytest

from rowcrew.control.road.notes import TOUCH_SECONDS
from rowcrew.model.outcome import Completed, Errored
from rowcrew.table import worker as statements
from tests.control.site import Site

pytestmark = pytest.mark.anyio


async def test_progress_and_checkpoint_reach_the_row_and_are_told_once(site: Site) -> None:
    run = await site.start()
    site.noted(run, progress=b'{"current":1}')
    site.noted(run, checkpoint=b"[1]")
    await site.road.notes.once()
    row = site.table.row(run.job.id)
    assert (row["progress"], row["checkpoint"]) == ({"current": 1}, [1])
    assert (run.progress, run.checkpoint) == (None, None)


async def test_what_is_said_while_a_note_is_written_is_not_lost(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, write = await site.start(), statements.note

    async def slow(*given: Any) -> list[str]:
        written = await write(*given)
        site.noted(run, progress=b"2")
        return written

    monkeypatch.setattr(statements, "note", slow)
    site.noted(run, progress=b"1", checkpoint=b"1")
    await site.road.notes.once()
    assert (run.progress, run.checkpoint) == (b"2", None)
    monkeypatch.setattr(statements, "note", write)
    await site.road.notes.once()
    assert site.table.row(run.job.id)["progress"] == 2


async def test_what_no_row_has_yet_is_written_with_the_end(site: Site) -> None:
    run = await site.start()
    site.noted(run, checkpoint=b"[7]")
    row = await site.finish(run, Errored("broken"))
    assert (row["status"], row["checkpoint"]) == ("queued", [7])
    await site.road.notes.once()  # and nothing is left to say
    assert site.table.row(run.job.id)["revision"] == row["revision"]


async def test_only_runs_that_take_long_are_touched(site: Site) -> None:
    def touched(run_id: int) -> datetime:
        moment: datetime = site.table.row(run_id)["updatedAt"]
        return moment

    old = await site.start()
    site.clock.move(TOUCH_SECONDS + 1)
    young = await site.start()
    before = [touched(run.job.id) for run in (old, young)]
    await site.road.notes.once()
    after = [touched(run.job.id) for run in (old, young)]
    assert (after[0] > before[0], after[1] == before[1]) == (True, True)
    await site.road.notes.once()
    assert [touched(run.job.id) for run in (old, young)] == after


async def test_a_value_that_no_column_takes_is_given_up_and_told(site: Site) -> None:
    run = await site.start()
    site.noted(run, progress=b'"\\u0000"')
    await site.road.notes.once()
    assert f"could not be stored as it was: {run.job.id}:" in site.said
    assert (await site.finish(run, Completed()))["status"] == "failed"  # it comes with the end once more


async def test_after_an_outage_the_latest_word_is_written(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*given: Any) -> list[str]:
        raise psycopg.OperationalError("the connection is closed")

    run = await site.start()
    with monkeypatch.context() as outage:
        outage.setattr(statements, "note", lost)
        for progress in (b"1", b"2"):
            site.noted(run, progress=progress)
            await site.road.notes.once()
    site.noted(run, progress=b"3")
    await site.road.notes.once()
    assert site.table.row(run.job.id)["progress"] == 3
    assert site.said.count("connection is back (progress)") == 1
