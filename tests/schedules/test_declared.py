"""Schedules that stand beside a handler: code decides the rule, and an operator's pause outlasts it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rig.fixtures import StartWorker
from rig.worker_process import PACKAGES
from rowcrew import Crew
from rowcrew.control.publish import publish
from rowcrew.model.errors import CrewError
from tests.schedules.conftest import Desk, Firing

pytestmark = pytest.mark.anyio


def crew_with(**schedules: Any) -> Crew:
    """A crew with these types; None = one without a schedule."""
    crew = Crew()
    for name, schedule in schedules.items():
        zone = "America/New_York" if isinstance(schedule, str) else None

        def handler() -> None: ...

        crew.job(name, schedule=schedule, timezone=zone)(handler)
    return crew


async def start(firing: Firing, crew: Crew, name: str = "app:crew") -> None:
    """What a worker of this crew does as it starts."""
    await publish(firing.link, crew.manifest(), crew=name)


async def test_a_declared_schedule_is_a_row_with_the_name_of_its_type(desk: Desk, firing: Firing) -> None:
    await start(firing, crew_with(nightly="0 2 * * *", often=timedelta(minutes=5), never=None))
    rows = desk.hands.execute(
        'SELECT name, type, cron, "everySeconds", "timezone", source, "declaredBy" FROM schedules ORDER BY 1'
    ).fetchall()
    assert rows == [
        ("nightly", "nightly", "0 2 * * *", None, "America/New_York", "code", "app:crew"),
        ("often", "often", None, 300, "UTC", "code", "app:crew"),
    ]


async def test_starting_again_changes_nothing(desk: Desk, firing: Firing) -> None:
    await start(firing, crew_with(nightly="0 2 * * *"))
    await firing.once()
    before = desk.row("schedules.xmin")
    await start(firing, crew_with(nightly="0 2 * * *"))
    assert desk.row("schedules.xmin") == before


async def test_a_schedule_removed_from_code_pauses_its_row_and_comes_back_with_it(
    desk: Desk, firing: Firing
) -> None:
    await start(firing, crew_with(nightly="0 2 * * *"))
    for without in (crew_with(nightly=None), crew_with(other=None), crew_with()):
        await start(firing, without)
        assert desk.row('paused, "pauseReason"') == (True, "its code declares it no more")
        await start(firing, crew_with(nightly="0 2 * * *"))
        assert desk.row('paused, "pauseReason"') == (False, None)


async def test_an_operators_pause_outlasts_every_start(desk: Desk, firing: Firing) -> None:
    await start(firing, crew_with(nightly="0 2 * * *"))
    desk.set("paused = true")
    for crew in (crew_with(nightly="0 2 * * *"), crew_with(), crew_with(nightly="0 3 * * *")):
        await start(firing, crew)
        assert desk.row('paused, "pauseReason"') == (True, None)
    assert desk.row("cron") == "0 3 * * *"


async def test_what_code_does_not_say_is_the_operators(desk: Desk, firing: Firing) -> None:
    await start(firing, crew_with(nightly="0 2 * * *"))
    desk.set("""payload = '{"a": 1}', overlap = 'skip', missed = 'all', queue = 'slow', priority = 3""")
    await start(firing, crew_with(nightly="0 5 * * *"))
    assert desk.row("cron, payload, overlap, missed, queue, priority") == (
        *("0 5 * * *", {"a": 1}, "skip", "all", "slow", 3),
    )


async def test_another_crew_leaves_the_schedules_of_types_alone_that_it_does_not_have(
    desk: Desk, firing: Firing
) -> None:
    await start(firing, crew_with(nightly="0 2 * * *"))
    await start(firing, crew_with(other="0 4 * * *"), "other:crew")
    assert desk.row("paused") is False


async def test_a_row_of_the_same_name_that_is_no_codes_stays_as_it_is(desk: Desk, firing: Firing) -> None:
    desk.add("nightly", everySeconds=77)
    await start(firing, crew_with(nightly="0 2 * * *"))
    await start(firing, crew_with())
    assert desk.row('"everySeconds", cron, source, paused') == (77, None, "row", False)


def needs_payload(customer: str) -> None: ...


def needs_nothing(times: int = 1) -> None: ...


@pytest.mark.parametrize(
    ("handler", "options", "complaint"),
    [
        (needs_nothing, {"schedule": "0 25 * * *"}, "schedule: cron '0 25 * * *': bad hour"),
        (needs_nothing, {"schedule": "@daily", "timezone": "Mars/Olympus"}, "timezone 'Mars/Olympus'"),
        (needs_nothing, {"schedule": timedelta(seconds=0.5)}, "whole seconds"),
        (needs_nothing, {"timezone": "UTC"}, "of no use without a schedule"),
        (needs_payload, {"schedule": "@daily"}, "have no payload, and the handler needs one"),
    ],
)
def test_a_declaration_that_could_not_be_followed_is_refused_where_it_stands(
    handler: Callable[..., None], options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(CrewError, match=re.escape(complaint)):
        Crew().job("nightly", **options)(handler)


def test_a_real_worker_publishes_fires_and_runs_what_stands_beside_a_handler(
    start_worker: StartWorker, desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "clockwork.py").write_text(
        "from datetime import timedelta\n"
        "from rowcrew import Crew\n"
        "crew = Crew()\n"
        "@crew.job(schedule=timedelta(seconds=1))\n"
        "def wind() -> str:\n"
        "    return 'wound'\n"
    )
    worker = start_worker(crew="clockwork:crew", PYTHONPATH=os.pathsep.join([str(tmp_path), *PACKAGES]))
    worker.said("job.completed", type="wind", times=2)
    assert desk.row("source, cron", "wind") == ("code", None)
    worker.stop()
