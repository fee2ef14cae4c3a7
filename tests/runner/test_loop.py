"""The runner's loop, driven without a process: what it is told to do, and what it says."""

from __future__ import annotations

import asyncio
import contextvars
import decimal
import math
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import msgspec
import pytest

from rig.staging import WAITING_FOR_LOCKS
from rig.waiting import eventually
from rowcrew import Context, Crew, Snooze
from rowcrew.model.job import Job
from rowcrew.model.outcome import Completed, Errored, Outcome, Recorded, Released, Snoozed
from rowcrew.runner.loop import RunnerLoop
from rowcrew.runner.wire import Note, Report, Timing, ToControl, Withdrawn
from tests.conftest import Connect
from tests.contract import hands
from tests.model.made import a_job

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 30


class Control:
    """The other side: keeps what the loop sends, and waits for what it will send."""

    def __init__(self) -> None:
        self.messages: list[ToControl] = []
        self.on_report: Callable[[Report], None] = lambda report: None
        self._news = asyncio.Event()

    def send(self, message: ToControl) -> None:
        self.messages.append(message)
        self.stir()
        if isinstance(message, Report):
            self.on_report(message)

    def stir(self) -> None:
        """Whoever waits should look again."""
        self._news.set()

    async def until(self, seen: Callable[[], Any]) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not seen():
                self._news.clear()
                await self._news.wait()

    async def ends(self, *leases: str) -> dict[str, Outcome]:
        await self.until(lambda: set(leases) <= set(self.ended))
        return self.ended

    @property
    def reports(self) -> list[Report]:
        return [message for message in self.messages if isinstance(message, Report)]

    @property
    def started(self) -> list[str]:
        return [lease for report in self.reports for lease in report.started]

    @property
    def ended(self) -> dict[str, Outcome]:
        return dict(end for report in self.reports for end in report.ended)

    @property
    def notes(self) -> list[Note]:
        return [note for report in self.reports for note in report.notes]

    @property
    def timings(self) -> list[Timing]:
        return [timing for report in self.reports for timing in report.timings]

    @property
    def withdrawn(self) -> list[list[str]]:
        return [message.lease_ids for message in self.messages if isinstance(message, Withdrawn)]


class Bench:
    """A loop with two slots, its crew and its control."""

    def __init__(self, threads: ThreadPoolExecutor, database_url: str = "") -> None:
        self.crew = Crew()
        self.control = Control()
        self.gate = asyncio.Event()
        self.running: list[str] = []
        self.most = 0
        self.crew.job("waits")(self._waits)
        self.loop = RunnerLoop(
            crew=self.crew,
            slots=2,
            threads=threads,
            database_url=database_url,
            queue=None,
            send=self.control.send,
        )

    async def _waits(self, name: str = "") -> str:
        self.running.append(name)
        self.most = max(self.most, len(self.running))
        self.control.stir()
        try:
            await self.gate.wait()
        finally:
            self.running.remove(name)
        return name

    def assign(self, type: str, *leases: str, begin_by: float = math.inf, **job: Any) -> None:
        self.loop.assign([job_of(type, lease, **job) for lease in leases], begin_by)


def job_of(type: str, lease: str, **job: Any) -> Job:
    return a_job(type=type, lease_id=lease, **{"payload": {"name": lease} if type == "waits" else {}, **job})


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    with ThreadPoolExecutor(2) as threads:
        yield Bench(threads)


async def test_a_run_is_announced_before_it_begins(bench: Bench) -> None:
    announced: list[bool] = []

    @bench.crew.job("plain")
    def plain() -> None:
        announced.append("a" in bench.control.started)

    @bench.crew.job("asynchronous")
    async def asynchronous() -> None:
        announced.append("b" in bench.control.started)

    bench.assign("plain", "a")
    bench.assign("asynchronous", "b")
    await bench.control.ends("a", "b")
    assert announced == [True, True]


async def test_no_more_runs_than_slots_go_on_at_once_and_in_the_order_assigned(bench: Bench) -> None:
    leases = [f"{index:02}" for index in range(9)]
    bench.assign("waits", *leases)
    await bench.control.until(lambda: len(bench.running) == 2)
    assert bench.control.started == leases[:2]
    bench.gate.set()
    ended = await bench.control.ends(*leases)
    assert bench.most == 2
    assert bench.control.started == leases
    assert ended == {lease: Completed(msgspec.json.encode(lease)) for lease in leases}


async def test_plain_handlers_share_the_same_slots(bench: Bench) -> None:
    both, lock = threading.Barrier(2), threading.Lock()
    running = most = 0

    @bench.crew.job("plain")
    def plain() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(DEADLINE_SECONDS)
        with lock:
            running -= 1

    bench.assign("plain", "a", "b", "c", "d")
    ended = await bench.control.ends("a", "b", "c", "d")
    assert set(ended.values()) == {Completed()}
    assert most == 2


async def test_one_turn_makes_one_report(bench: Bench) -> None:
    bench.assign("waits", "a")
    bench.assign("waits", "b")
    bench.assign("waits", "c")
    await bench.control.until(lambda: bench.control.started == ["a", "b"])
    bench.gate.set()
    await bench.control.ends("a", "b", "c")
    assert [(report.started, [lease for lease, _ in report.ended]) for report in bench.control.reports] == [
        (["a", "b"], []),
        (["c"], ["a", "b"]),
        ([], ["c"]),
    ]


async def test_run_times_are_summed_by_type(bench: Bench) -> None:
    @bench.crew.job("quick")
    async def quick() -> None: ...

    bench.assign("quick", "a", "b", "c")
    bench.assign("waits", "d")
    bench.gate.set()
    await bench.control.ends("a", "b", "c", "d")
    runs = {type: sum(t.runs for t in bench.control.timings if t.type == type) for type in ("quick", "waits")}
    assert runs == {"quick": 3, "waits": 1}
    assert all(timing.seconds > 0 for timing in bench.control.timings)


async def test_a_type_that_the_crew_does_not_have_fails_its_job(bench: Bench) -> None:
    bench.assign("elsewhere", "a")
    ended = await bench.control.ends("a")
    assert ended == {"a": Errored("no handler for type 'elsewhere' in this crew")}
    bench.gate.set()
    bench.assign("waits", "b", "c", "d")
    await bench.control.ends("b", "c", "d")


async def test_surroundings_that_cannot_be_put_back_keep_no_announced_run_from_beginning(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    @bench.crew.job("quick")
    async def quick() -> None: ...

    def broken() -> None:
        raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(bench.loop, "_between_runs", broken)
    bench.assign("quick", "a")
    assert await bench.control.ends("a") == {"a": Completed()}


async def test_what_has_not_begun_is_withdrawn_and_the_rest_goes_on(bench: Bench) -> None:
    bench.assign("waits", "a", "b", "c", "d")
    await bench.control.until(lambda: bench.control.started)
    bench.loop.withdraw()
    assert bench.control.withdrawn == [["c", "d"]]
    bench.loop.withdraw()
    assert bench.control.withdrawn == [["c", "d"], []]
    bench.gate.set()
    await bench.control.ends("a", "b")
    assert bench.control.started == ["a", "b"]


async def test_a_job_that_could_not_begin_in_time_goes_back_and_never_begins(bench: Bench) -> None:
    bench.assign("waits", "a", "b")
    await bench.control.until(lambda: bench.control.started == ["a", "b"])
    bench.assign("waits", "late", begin_by=0.0)
    bench.assign("waits", "in time")
    bench.gate.set()
    await bench.control.ends("a", "b", "in time")
    assert bench.control.withdrawn == [["late"]]
    assert "late" not in bench.control.started


async def test_jobs_withdrawn_in_the_turn_they_came_in_never_begin(bench: Bench) -> None:
    bench.assign("waits", "a")
    bench.loop.withdraw()
    bench.gate.set()
    bench.assign("waits", "b")
    await bench.control.ends("b")
    assert bench.control.withdrawn == [["a"]]
    assert bench.control.started == ["b"]


async def test_a_waiting_job_that_is_stopped_never_begins(bench: Bench) -> None:
    bench.assign("waits", "a", "b", "c")
    await bench.control.until(lambda: bench.control.started)
    bench.loop.stop("c")
    ended = await bench.control.ends("c")
    assert ended == {"c": Released("stopped before it began")}
    bench.gate.set()
    await bench.control.ends("a", "b")
    assert bench.control.started == ["a", "b"]


async def test_an_async_run_that_is_stopped_is_cancelled_where_it_waits(bench: Bench) -> None:
    bench.assign("waits", "a", "b")
    await bench.control.until(lambda: len(bench.running) == 2)
    bench.loop.stop("a")
    assert await bench.control.ends("a") == {"a": Released("stopped")}
    bench.gate.set()
    assert (await bench.control.ends("b"))["b"] == Completed(b'"b"')


async def test_a_run_stopped_between_its_announcement_and_its_first_step_still_ends(bench: Bench) -> None:
    def stop_at_once(report: Report) -> None:
        for lease in report.started:
            asyncio.get_running_loop().call_soon(bench.loop.stop, lease)

    bench.control.on_report = stop_at_once
    bench.assign("waits", "a", "b", "c")
    ended = await bench.control.ends("a", "b", "c")
    assert set(ended.values()) == {Released("stopped")}
    assert bench.most == 0


async def test_a_run_that_ends_well_though_it_was_stopped_keeps_its_end(bench: Bench) -> None:
    begun = asyncio.Event()

    @bench.crew.job("stubborn")
    async def stubborn() -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "tidied up"
        return "never"

    bench.assign("stubborn", "a")
    await begun.wait()
    bench.loop.stop("a")
    assert await bench.control.ends("a") == {"a": Completed(b'"tidied up"')}


async def test_a_plain_run_that_is_stopped_ends_when_it_tells_progress(bench: Bench) -> None:
    begun, stopped = threading.Event(), threading.Event()

    @bench.crew.job("plain")
    def plain(context: Context) -> None:
        begun.set()
        stopped.wait(DEADLINE_SECONDS)
        assert context.cancelled
        context.progress(1)
        raise AssertionError("went on")

    bench.assign("plain", "a")
    await asyncio.to_thread(begun.wait, DEADLINE_SECONDS)
    bench.loop.stop("a")
    stopped.set()
    assert await bench.control.ends("a") == {"a": Released("stopped")}


async def test_stopping_a_run_that_is_not_here_changes_nothing(bench: Bench) -> None:
    bench.loop.stop("gone")
    bench.assign("waits", "a")
    await bench.control.until(lambda: bench.control.started)
    bench.gate.set()
    await bench.control.ends("a")
    bench.loop.stop("a")
    assert bench.control.ended == {"a": Completed(b'"a"')}


@pytest.mark.parametrize("executor", ["async", "thread"])
async def test_of_many_words_only_the_last_are_sent_and_never_after_the_end(
    bench: Bench, executor: str
) -> None:
    def tell(context: Context) -> None:
        for step in range(1_000):
            context.progress(step + 1, 1_000, "rows")
            context.checkpoint({"row": step})

    async def tell_async(context: Context) -> None:
        tell(context)

    bench.crew.job("talks")(tell if executor == "thread" else tell_async)
    bench.assign("talks", "a")
    await bench.control.ends("a")
    last = bench.control.notes[-1]
    assert msgspec.json.decode(last.progress or b"") == {"current": 1_000, "total": 1_000, "message": "rows"}
    checkpoints = [note.checkpoint for note in bench.control.notes if note.checkpoint is not None]
    assert checkpoints[-1] == b'{"row":999}'
    assert len(bench.control.notes) < 20
    (ending,) = [index for index, report in enumerate(bench.control.reports) if report.ended]
    assert not [report for report in bench.control.reports[ending + 1 :] if report.notes]


async def test_words_of_a_long_run_are_sent_while_it_runs(bench: Bench) -> None:
    @bench.crew.job("talks")
    async def talks(context: Context) -> None:
        context.progress(1)
        await bench.control.until(lambda: bench.control.notes)
        context.checkpoint("half")
        await bench.control.until(lambda: len(bench.control.notes) > 1)
        context.progress(2)
        await bench.control.until(lambda: len(bench.control.notes) > 2)

    bench.assign("talks", "a")
    await bench.control.ends("a")
    assert [note.checkpoint for note in bench.control.notes] == [None, b'"half"', None]


async def test_children_come_with_the_completion(bench: Bench) -> None:
    bench.crew.job("child", queue="mail", priority="high")(lambda: None)

    @bench.crew.job("parent")
    async def parent(context: Context) -> str:
        context.enqueue("child", {"n": 1})
        context.enqueue("child", {"n": 2}, priority="low")
        return "done"

    bench.assign("parent", "a", id=42)
    outcome = (await bench.control.ends("a"))["a"]
    assert isinstance(outcome, Completed)
    assert outcome.result == b'"done"'
    children = msgspec.json.decode(outcome.children or b"")
    assert [(child["payload"], child["queue"], child["priority"]) for child in children] == [
        ({"n": 1}, "mail", 10),
        ({"n": 2}, "mail", -10),
    ]
    assert {child["parentId"] for child in children} == {42}


async def test_a_run_that_does_not_complete_leaves_no_children(bench: Bench) -> None:
    @bench.crew.job("parent")
    async def parent(context: Context) -> None:
        context.enqueue("child")
        raise Snooze(5)

    bench.assign("parent", "a")
    assert await bench.control.ends("a") == {"a": Snoozed(5.0)}


async def test_a_child_that_cannot_be_enqueued_fails_the_run_that_wanted_it(bench: Bench) -> None:
    @bench.crew.job("parent")
    async def parent(context: Context) -> None:
        context.enqueue("child", max_attempts=0)

    bench.assign("parent", "a")
    outcome = (await bench.control.ends("a"))["a"]
    assert isinstance(outcome, Errored)
    assert outcome.error == "InvalidJob: max_attempts: 0 must be a whole number from 1 to 1000"


async def test_children_too_large_to_be_written_fail_the_run_and_free_its_slot(bench: Bench) -> None:
    @bench.crew.job("parent")
    async def parent(context: Context) -> None:
        for _ in range(66):
            context.enqueue("child", {"text": "x" * 990_000})

    bench.gate.set()
    bench.assign("parent", "a")
    bench.assign("waits", "b", "c", "d")
    ended = await bench.control.ends("a", "b", "c", "d")
    failed = ended["a"]
    assert isinstance(failed, Errored)
    assert "enqueue them in parts" in failed.error


async def test_a_commit_under_way_is_not_broken_off_by_a_stop(database_url: str, connect: Connect) -> None:
    worker, other = connect(), connect(autocommit=False)
    id = hands.insert(worker, type="writes")
    lease: UUID = hands.reserve(worker, id)
    with ThreadPoolExecutor(2) as threads:
        bench = Bench(threads, database_url)

        @bench.crew.job("writes")
        async def writes(context: Context) -> str:
            async with context.transaction() as connection:
                await connection.execute("CREATE TABLE written AS SELECT 1 AS n")
            return "done"

        other.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", [id])
        bench.assign("writes", str(lease), id=id)
        await asyncio.to_thread(wait_for_a_lock, worker)
        bench.loop.stop(str(lease))
        other.rollback()
        assert await bench.control.ends(str(lease)) == {str(lease): Recorded()}
    assert hands.read(worker, id, "status", "result") == ("completed", "done")
    assert hands.one(worker, "SELECT n FROM written") == (1,)


def wait_for_a_lock(connection: hands.Connection) -> None:
    eventually(lambda: connection.execute(WAITING_FOR_LOCKS).fetchall())


async def test_however_often_a_run_tells_progress_the_loop_has_it_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[object] = []
    keep = RunnerLoop._keep_note

    def count(loop: RunnerLoop, port: Any) -> None:
        kept.append(port)
        keep(loop, port)

    monkeypatch.setattr(RunnerLoop, "_keep_note", count)

    @bench.crew.job("talks")
    async def talks(context: Context) -> None:
        for current in range(1_000):
            context.progress(current)
        await bench.gate.wait()
        context.progress(1_000)

    bench.assign("talks", "a")
    await bench.control.until(lambda: bench.control.notes)
    assert len(kept) == 1
    bench.gate.set()
    await bench.control.ends("a")
    await bench.control.until(lambda: len(bench.control.notes) == 2)
    assert [msgspec.json.decode(note.progress or b"")["current"] for note in bench.control.notes] == [
        999,
        1_000,
    ]


@pytest.mark.parametrize("slots", [1, 4])
async def test_runs_find_no_variable_of_another(slots: int) -> None:
    crew, control = Crew(), Control()
    colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")

    @crew.job("paints")
    async def paints() -> list[Any]:
        seen = [colour.get(), decimal.getcontext().prec]
        colour.set("red")
        decimal.getcontext().prec = 3
        return seen

    loop = RunnerLoop(
        crew=crew,
        slots=slots,
        threads=ThreadPoolExecutor(1),
        database_url="",
        queue=None,
        send=control.send,
    )
    leases = [str(number) for number in range(50)]
    loop.assign([job_of("paints", lease) for lease in leases], math.inf)
    ended = await control.ends(*leases)
    assert set(ended.values()) == {Completed(b'["none",28]')}


async def test_the_process_is_put_back_only_when_nothing_runs() -> None:
    control, crew, gate = Control(), Crew(), asyncio.Event()
    looks: list[list[str]] = []
    crew.job("stays")(gate.wait)
    crew.job("passes")(lambda: None)
    loop = RunnerLoop(
        crew=crew,
        slots=2,
        threads=ThreadPoolExecutor(1),
        database_url="",
        queue=None,
        send=control.send,
        between_runs=lambda: looks.append(control.started),
    )
    loop.assign([job_of("stays", "a")], math.inf)
    loop.assign([job_of("passes", "b")], math.inf)
    await control.ends("b")
    loop.assign([job_of("passes", "c")], math.inf)
    await control.ends("c")
    assert looks == [["a", "b"]]
    gate.set()
    await control.ends("a")
    loop.assign([job_of("passes", "d")], math.inf)
    await control.ends("d")
    assert looks == [["a", "b"], ["a", "b", "c", "d"]]
