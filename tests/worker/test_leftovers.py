"""Nothing that handlers start outlives their runner: no child, no new session, no orphan."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.limits import no_descriptors
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import CREW, WorkerProcess, is_gone

End = Callable[[WorkerProcess, int, Gate], None]


def the_runner_dies(_worker: WorkerProcess, runner: int, _gate: Gate) -> None:
    os.kill(runner, signal.SIGKILL)


def the_worker_leaves(worker: WorkerProcess, _runner: int, gate: Gate) -> None:
    gate.open()
    assert worker.stop() == 0


@pytest.mark.parametrize("end", [the_runner_dies, the_worker_leaves])
def test_nothing_is_left_of_a_runner_that_has_ended(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, end: End
) -> None:
    worker = start_worker().ready()
    job = table.enqueue("leaves_programs", {"gate": gate.path}, maxAttempts=1)
    started = journal.has("start", job=job)
    assert len(started["programs"]) == 6
    assert all(psutil.pid_exists(program) for program in started["programs"])
    end(worker, started["pid"], gate)
    eventually(lambda: all(map(is_gone, started["programs"])))
    assert worker.said("runner.leftovers", pid=started["pid"])["programs"] >= 4


def test_what_a_runner_left_is_ended_as_soon_as_its_worker_can_look_for_it(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker().ready()
    job = table.enqueue("leaves_programs", {"gate": gate.path}, maxAttempts=1)
    started = journal.has("start", job=job)
    with no_descriptors(worker.pid):
        os.kill(started["pid"], signal.SIGKILL)
        worker.said("runner.died")
        worker.said("database.lost", purpose="record")  # it has tried to look as well by now
    eventually(lambda: all(map(is_gone, started["programs"])))


@pytest.mark.parametrize(
    "look",
    [
        "from rowcrew.control.children.leftovers import end_marked as look; what = 'nobody'",
        "from rowcrew.control.children.leftovers import new_mark; look = lambda _: new_mark(); what = 0",
        "from rowcrew.process_key import process_key as look; what = 1",
        "from rowcrew.process_key import own_process_key, is_surely_dead as look; what = own_process_key()",
    ],
)
def test_not_to_be_able_to_look_is_not_to_have_found_nothing(look: str) -> None:
    look += "; import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)); look(what)"
    looked = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True)
    assert "OSError: [Errno 24]" in looked.stderr


def test_what_a_killed_worker_left_is_known_as_its_own_if_a_runner_was_due_while_it_could_look_nowhere(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_RUNNERS=1).ready()
    with no_descriptors(worker.pid):
        os.kill(worker.said("runner.started")["pid"], signal.SIGKILL)
        worker.said("runner.not_started")
    job = table.enqueue("leaves_programs", {"gate": gate.path}, maxAttempts=1)
    started = journal.has("start", job=job)
    worker.kill()
    start_worker().ready()
    eventually(lambda: all(map(is_gone, started["programs"])))


def test_what_a_killed_worker_left_is_ended_by_the_next_one_on_this_host(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker().ready()
    job = table.enqueue("leaves_programs", {"gate": gate.path}, maxAttempts=1)
    started = journal.has("start", job=job)
    worker.kill()
    start_worker().ready()
    eventually(lambda: all(map(is_gone, started["programs"])))


def test_programs_of_a_living_runner_are_left_alone(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    start_worker().ready()
    job = table.enqueue("leaves_programs", {"gate": gate.path}, maxAttempts=1)
    started = journal.has("start", job=job)
    start_worker().ready().stop()
    assert not any(map(is_gone, started["programs"]))


IN_A_CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


def namespaces_are_permitted() -> bool:
    try:
        return subprocess.run([*IN_A_CONTAINER, "true"], capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not namespaces_are_permitted(), reason="needs a process namespace: root, and unshare")
def test_the_first_process_of_a_container_takes_the_end_of_orphans(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    container = start_worker(
        program=[*IN_A_CONTAINER, sys.executable, "-m", "rowcrew.cli", "worker", CREW], HEARTBEAT_INTERVAL=0.5
    ).ready()
    (control,) = psutil.Process(container.pid).children()
    job = table.enqueue("leaves_programs", {"gate": gate.path}, maxAttempts=1)
    started = journal.has("start", job=job)
    inside = {inner_id(process): process for process in control.children(recursive=True)}
    inside[started["pid"]].kill()
    container.said("runner.leftovers", pid=started["pid"])
    eventually(lambda: not any(inside[program].is_running() for program in started["programs"][:2]))
    eventually(lambda: not [child for child in control.children() if child.status() == psutil.STATUS_ZOMBIE])
    container.signal(signal.SIGKILL)


def inner_id(process: psutil.Process) -> int:
    """A process's number within its own namespace."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("NSpid")).split()[-1])
