"""What control tells a runner and remembers about it, without a process."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from rig.clock import MovedClock
from rowcrew.control.children import runners
from rowcrew.control.children.runner import BEGIN_SECONDS, Runner
from rowcrew.control.children.runners import SILENT_SECONDS, SOLO_IDLE_SECONDS
from rowcrew.control.children.starting import LONGEST_PAUSE_SECONDS, Restarts
from rowcrew.control.run import Run
from rowcrew.model.outcome import Completed
from rowcrew.runner.wire import Assign, Close, Ready, Unloadable, frame
from tests.control.site import MANIFEST, OpenSite, Site, StandInRunner
from tests.model.made import a_job

pytestmark = pytest.mark.anyio


class Nobody:
    def hear(self, *_: object) -> None: ...


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def runner(clock: MovedClock) -> StandInRunner:
    return StandInRunner(kind="shared", slots=2, keeper=Nobody(), clock=clock)


def a_run(lease_id: str) -> Run:
    return Run(a_job(lease_id=lease_id), 0.0, is_long=True)


async def test_an_assignment_says_by_when_to_begin(runner: StandInRunner, clock: MovedClock) -> None:
    runs = [a_run("a"), a_run("b")]
    runner.assign(runs)
    assert runner.heard == [Assign([run.job for run in runs], clock.now() + BEGIN_SECONDS)]
    assert list(runner.runs) == ["a", "b"]
    assert [(run.runner, run.assigned_at) for run in runs] == [(runner, clock.now())] * 2


async def test_a_runner_that_is_to_leave_takes_no_jobs_and_is_told_when_its_last_run_is_over(
    runner: StandInRunner,
) -> None:
    runner.assign([a_run("a"), a_run("b")])
    runner.retire()
    runner.drop("a")
    assert not runner.takes_jobs
    assert Close() not in runner.heard
    runner.drop("b")
    assert runner.heard[-1] == Close()


async def test_a_runner_without_runs_is_told_to_leave_at_once(runner: StandInRunner) -> None:
    runner.retire()
    assert runner.heard == [Close()]


async def test_a_silent_runner_takes_jobs_when_it_speaks(runner: StandInRunner, clock: MovedClock) -> None:
    runner.is_silent = True
    takes_jobs = [runner.takes_jobs]
    clock.move(3)
    runner._received(Ready(MANIFEST))
    takes_jobs.append(runner.takes_jobs)
    assert takes_jobs == [False, True]
    assert runner.answered_at == clock.now()


async def test_a_runner_that_answers_no_more_and_runs_nothing_makes_room_for_another(site: Site) -> None:
    silent, busy = site.runner, await site.start("alone")
    silent.is_silent = True
    assert isinstance(busy.runner, StandInRunner)
    busy.runner.is_silent = True
    site.clock.move(SILENT_SECONDS)
    site.runners.retire_idle()
    assert not silent.was_killed()
    site.clock.move(1)
    site.runners.retire_idle()
    assert (silent.was_killed(), busy.runner.was_killed()) == (True, False)


def test_what_a_runner_that_was_quicker_than_control_is_told_reaches_it() -> None:
    """Its first message is there before control has connected, and is answered at once."""
    uvloop = pytest.importorskip("uvloop")  # asyncio's own loop goes on with the caller first
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(_assigned_at_once())


async def _assigned_at_once() -> None:
    assigns = SimpleNamespace(hear=lambda runner, _: runner.assign([a_run("a")]))
    place = QuickPlace()
    runner = Runner(kind="group", slots=1, keeper=assigns, clock=MovedClock())
    await runner.start(place)
    with place.end:
        place.end.settimeout(10)
        assert b"assign" in place.end.recv(65_536)


class QuickPlace:
    """Where a runner has said that it is ready before control has done anything else."""

    pid, is_host = 0, True

    async def begin(self, end: socket.socket, **_: object) -> QuickPlace:
        self.end = end.dup()
        self.end.sendall(frame(Ready(MANIFEST)))
        return self

    async def wait(self) -> str:
        raise NotImplementedError

    def kill(self) -> None: ...


async def test_shared_runners_share_the_slots_and_a_new_one_gets_what_is_left(open_site: OpenSite) -> None:
    site: Site = await open_site(concurrency=5, runners=2)
    first, second = site.all_runners
    assert sorted([first.slots, second.slots]) == [2, 3]
    site.runners.replace(first)
    assert sum(runner.slots for runner in site.all_runners if not runner.retiring) == 5


async def test_of_idle_solo_runners_one_is_kept_warm(site: Site) -> None:
    runs = [await site.start("alone"), await site.start("alone")]
    for run in runs:
        site.ended(run, Completed())
    site.clock.move(SOLO_IDLE_SECONDS)
    site.runners.retire_idle()
    assert not any(runner.retiring for runner in site.all_runners)
    site.clock.move(1)
    site.runners.retire_idle()
    assert [runner.retiring for runner in site.all_runners if runner.kind == "solo"] == [False, True]


async def test_the_first_runner_tells_what_the_crew_can_run(site: Site) -> None:
    site.runners.hear(site.runner, Ready(MANIFEST))
    assert await site.runners.manifest() == MANIFEST
    site.runners.hear(site.runner, Unloadable("changed on disk"))  # a later one leaves and is tried again
    assert site.runner.retiring
    assert await site.runners.manifest() == MANIFEST


def test_runners_that_die_at_once_follow_each_other_ever_more_slowly_until_one_lives() -> None:
    restarts = Restarts()
    assert [restarts.pause_seconds(0.1) for _ in range(4)] == [0.0, 0.4, 0.8, 1.6]
    assert [restarts.pause_seconds(0.1) for _ in range(2_000)][-1] == LONGEST_PAUSE_SECONDS
    assert restarts.pause_seconds(11.0) == 0.0
    assert [restarts.pause_seconds(0.1) for _ in range(2)] == [0.0, 0.4]


@pytest.fixture
def ended() -> subprocess.Popen[bytes]:
    """A child of this process that has ended, and nobody has waited for it yet."""
    child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    return child


async def test_as_the_first_process_of_a_container_a_host_waits_for_its_own_children(
    site: Site, ended: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "FIRST_PROCESS", os.getpid())
    site.runners.reap_orphans()
    assert ended.wait() == 3
