"""A spawner's round over a place: the row, the start there, and the worker that comes, works and leaves."""

from __future__ import annotations

import io
import sys
from collections.abc import AsyncIterator, Callable

import anyio.to_thread
import pytest

from rig.amazon import Amazon, Refused
from rig.fixtures import StartWorker
from rig.table import Table
from rowcrew import settings
from rowcrew.log import Log
from rowcrew.spawn.spawner import Spawner, Wishes
from tests.launchers.places import Place

pytestmark = pytest.mark.anyio

ONE = pytest.mark.parametrize("place", ["ecs"], indirect=True)
TWO = pytest.mark.parametrize("place", ["ecs", "kubernetes"], indirect=True)
START = """SELECT name, launcher, "launchHandle", "registeredAt", "stopReason", "errorMessage" FROM workers"""


class Round:
    """A spawner that is asked for one check at a time, and what it says."""

    def __init__(self, url: str, *queues: str) -> None:
        self.stream = io.StringIO()
        values = settings.read({"DATABASE_URL": url})
        wishes = Wishes(queues=queues or None)
        self.spawner = Spawner(settings=values, wishes=wishes, log=Log("text", self.stream))

    async def once(self) -> int:
        """How many workers were started."""
        return (await self.spawner.check()).started

    @property
    def said(self) -> str:
        return self.stream.getvalue()


@pytest.fixture
async def spawner(database_url: str) -> AsyncIterator[Round]:
    spawner = Round(database_url)
    yield spawner
    await spawner.spawner.stop()


@pytest.fixture
def configured(place: Place, monkeypatch: pytest.MonkeyPatch, table: Table) -> Place:
    """The place, known to this process, and a queue whose workers start there."""
    for name, value in place.environment().items():
        monkeypatch.setenv(name, value)
    set_queue(table, place.launcher.name)
    return place


def set_queue(table: Table, launcher: str, queue: str = "ai") -> None:
    table.rows("DELETE FROM queues WHERE queue = %s", queue)
    table.rows(
        """INSERT INTO queues (queue, label, "maxConcurrent", "maxJobsPerSession", launcher)
           VALUES (%s, 'AI', 1, 1, %s)""",
        queue,
        launcher,
    )


@pytest.fixture
def started_there(start_worker: StartWorker) -> Callable[[Place, str], None]:
    """Be the place: run the worker that was started with this handle, until it leaves."""

    def run(place: Place, handle: str) -> None:
        given = place.given(handle)
        worker = start_worker(
            program=[sys.executable, "-m", "rowcrew.cli", *given.arguments],
            **{"ROWCREW_MODULES": "crew_under_test:crew", **given.environment},
        )
        assert worker.exited() == 0
        place.finish(handle)

    return run


@TWO
async def test_a_ready_job_starts_one_worker_there_that_takes_it_and_leaves(
    configured: Place,
    spawner: Round,
    table: Table,
    started_there: Callable[[Place, str], None],
) -> None:
    id = table.enqueue("noop", queue="ai")
    assert await spawner.once() == 1
    (row,) = table.rows(START)
    assert row["launchHandle"]
    assert f"Spawned worker {row['name']} for AI ({row['launcher']}: {row['launchHandle']}" in spawner.said
    assert await spawner.once() == 0  # it is on its way, and counts
    await anyio.to_thread.run_sync(started_there, configured, row["launchHandle"])
    assert table.row(id)["status"] == "completed"
    (row,) = table.rows(START)
    assert row["registeredAt"]
    assert row["stopReason"] == "max_jobs"
    assert await spawner.once() == 0
    assert configured.started() == 1


async def test_a_refusal_is_told_in_the_place_s_words_and_rests_the_queue(
    configured: Place, spawner: Round, table: Table
) -> None:
    configured.refuse()
    table.enqueue("noop", queue="ai")
    assert await spawner.once() == 0
    (row,) = table.rows(START)
    assert configured.words in row["errorMessage"]
    assert (row["launchHandle"], row["stopReason"]) == (None, "error")
    assert row["errorMessage"] in spawner.said
    assert await spawner.once() == 0
    assert len(table.rows(START)) == 1


@ONE
async def test_a_refusal_that_passes_is_tried_again(
    configured: Place, spawner: Round, table: Table, aws: Amazon
) -> None:
    """As ECS words a throttled start: no code, and no answer, says what it is."""
    words = "Error retrieving subnet information: Rate exceeded (ErrorCode: Throttling)"
    aws.trouble_at["RunTask"] = Refused("InvalidParameterException", words)
    table.enqueue("noop", queue="ai")
    assert await spawner.once() == 0
    aws.trouble_at.clear()
    table.rows("""UPDATE workers SET "stoppedAt" = now() - interval '6 s'""")
    assert await spawner.once() == 1


@ONE
async def test_another_spawner_starts_nothing_beside_a_worker_on_its_way(
    configured: Place, spawner: Round, table: Table, database_url: str
) -> None:
    table.enqueue("noop", queue="ai")
    assert await spawner.once() == 1
    other = Round(database_url)
    assert await other.once() == 0
    await other.spawner.stop()
    assert configured.started() == 1


@ONE
async def test_a_launcher_without_its_settings_names_them_and_other_queues_go_on(
    configured: Place, spawner: Round, table: Table
) -> None:
    set_queue(table, "render", "mails")
    for queue in ("mails", "ai"):
        table.enqueue("noop", queue=queue)
    assert await spawner.once() == 1
    said = spawner.said
    assert "LAUNCHER_RENDER_SERVICE is not set: " in said
    assert "LAUNCHER_RENDER_API_KEY is not set: " in said


@ONE
async def test_a_place_that_cannot_be_asked_fails_the_launch_and_not_the_spawner(
    configured: Place, spawner: Round, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "no region")
    table.enqueue("noop", queue="ai")
    assert await spawner.once() == 0
    (row,) = table.rows(START)
    assert row["errorMessage"].startswith("ecs cannot be asked: ")


LISTING = pytest.mark.parametrize("place", ["ecs", "batch", "kubernetes", "render"], indirect=True)


async def started(spawner: Round, table: Table, seconds_ago: int) -> str:
    """A worker that was started so long ago; its handle."""
    table.enqueue("noop", queue="ai")
    assert await spawner.once() == 1
    (row,) = table.rows(
        """UPDATE workers SET "launchedAt" = "launchedAt" - %s * interval '1 s' RETURNING "launchHandle" """,
        seconds_ago,
    )
    return str(row["launchHandle"])


@LISTING
async def test_a_worker_that_ended_before_it_came_is_not_waited_for(
    configured: Place, spawner: Round, table: Table
) -> None:
    handle = await started(spawner, table, 30)
    configured.finish(handle)
    assert await spawner.once() == 0
    (row,) = table.rows(START)
    assert row["stopReason"] == "error"
    assert row["errorMessage"].startswith("it ended before it registered")
    assert row["errorMessage"] in spawner.said


@LISTING
async def test_a_worker_on_its_way_is_waited_for(configured: Place, spawner: Round, table: Table) -> None:
    await started(spawner, table, 30)
    assert await spawner.once() == 0
    assert table.rows(START)[0]["stopReason"] is None


@LISTING
async def test_what_never_came_waits_there_no_longer_for_room(
    configured: Place, spawner: Round, table: Table
) -> None:
    """Else each round would leave one more, and all would start when there is room again."""
    handle = await started(spawner, table, 130)
    await spawner.once()
    configured.settle()
    assert handle not in (configured.launcher.running() or ())
    assert table.rows(START)[0]["errorMessage"] == "it did not register within 120 seconds"


@LISTING
async def test_a_worker_that_outlives_its_time_is_ended_there_once(
    configured: Place, spawner: Round, table: Table
) -> None:
    handle = await started(spawner, table, 130)
    table.rows("""UPDATE workers SET "registeredAt" = "launchedAt" """)
    table.rows("""UPDATE queues SET "maxRuntimeSeconds" = 60""")
    for _ in range(2):
        await spawner.once()
    configured.settle()
    assert handle not in (configured.launcher.running() or ())
    assert spawner.said.count("is asked to end it") == 1


@ONE
async def test_an_end_that_the_place_refused_is_asked_for_again(
    configured: Place, spawner: Round, table: Table, aws: Amazon
) -> None:
    handle = await started(spawner, table, 130)
    table.rows("""UPDATE workers SET "registeredAt" = "launchedAt" """)
    table.rows("""UPDATE queues SET "maxRuntimeSeconds" = 60""")
    aws.trouble_at["StopTask"] = Refused("ServerException", "Service unavailable", 500)
    await spawner.once()
    assert "is asked to end it" not in spawner.said
    aws.trouble_at.clear()
    await spawner.once()
    assert handle not in (configured.launcher.running() or ())
    assert "is asked to end it" in spawner.said


@ONE
async def test_workers_of_queues_that_are_not_its_own_it_does_not_look_for(
    configured: Place, spawner: Round, table: Table, database_url: str
) -> None:
    """They may be where its settings do not lead, and are missing only here."""
    configured.finish(await started(spawner, table, 30))
    other = Round(database_url, "mails")
    await other.once()
    await other.spawner.stop()
    assert table.rows(START)[0]["stopReason"] is None


@ONE
async def test_a_place_that_does_not_answer_is_told_once_and_keeps_nobody_from_working(
    configured: Place, spawner: Round, table: Table, aws: Amazon
) -> None:
    await started(spawner, table, 130)
    for _ in range(2):
        aws.trouble_at["StopTask"] = Refused("ServerException", "Service unavailable", 500)
        table.rows("""UPDATE workers SET "stoppedAt" = NULL, "errorMessage" = NULL""")
        assert await spawner.once() == 0
    assert spawner.said.count("Workers in ecs cannot be looked after: ") == 1
