"""A runner is a plain Python program: nothing of the worker's leaks in, nothing of one run stays."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.worker_process import PACKAGES, WorkerProcess

CREW = "crew_of_a_program:crew"
SIGINT, SIGTERM = -2, -15


@pytest.fixture(params=["uvloop", "asyncio"])
def python_path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where runners look for modules: with uvloop there as installed, or as if it were not."""
    if request.param == "asyncio":
        (tmp_path / "uvloop.py").write_text("raise ImportError\n")
    return os.pathsep.join([str(tmp_path), *PACKAGES])


@pytest.fixture
def worker(start_worker: StartWorker) -> WorkerProcess:
    return start_worker(crew=CREW, WORKER_CONCURRENCY=4, POLL_INTERVAL=0.2)


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_no_run_sees_a_context_variable_of_another(
    start_worker: StartWorker, table: Table, slots: int
) -> None:
    jobs = [
        table.enqueue(type, {"name": f"{type} {number}"})
        for number in range(100)
        for type in ("sets_tenant", "sets_tenant_in_thread")
    ]
    start_worker(crew=CREW, WORKER_CONCURRENCY=slots)
    table.drained()
    assert Counter(table.row(job)["result"] for job in jobs) == {None: len(jobs)}


def test_a_run_alone_in_its_runner_finds_the_process_as_the_import_left_it(
    start_worker: StartWorker, table: Table
) -> None:
    jobs = [table.enqueue("changes_process") for _ in range(4)]
    start_worker(crew=CREW, WORKER_CONCURRENCY=1, TZ="UTC").ready()
    table.drained()
    assert [table.row(job)["result"] for job in jobs] == [[False, False, None, "UTC", False]] * 4


def test_the_crew_is_imported_outside_any_event_loop_and_without_arguments(
    worker: WorkerProcess, table: Table
) -> None:
    worker.ready()
    job = table.enqueue("what_ran_at_import")
    assert table.until(job)["result"] == ["ran", []]


@pytest.mark.parametrize(
    ("type", "result"),
    [
        ("interrupts_program", SIGINT),
        ("terminates_program", SIGTERM),
        ("terminates_fork", SIGTERM),
        ("uses_pool", [1, 2]),
    ],
)
def test_processes_that_handlers_start_obey_signals(
    worker: WorkerProcess, table: Table, type: str, result: object
) -> None:
    job = table.enqueue(type)
    assert table.until(job)["result"] == result


def test_programs_that_handlers_start_get_neither_our_socket_nor_our_path(
    start_worker: StartWorker, table: Table
) -> None:
    start_worker(crew=CREW, PYTHONPATH=os.pathsep.join(PACKAGES))
    job = table.enqueue("shows_environment", {"names": ["PYTHONPATH"]})
    sockets, path = table.until(job)["result"]
    assert (sockets, path) == ("0", os.pathsep.join(PACKAGES))


def test_a_copy_of_the_runner_answers_for_nobody(
    start_worker: StartWorker, table: Table, python_path: str
) -> None:
    worker = start_worker(crew=CREW, WORKER_CONCURRENCY=4, PYTHONPATH=python_path)
    jobs = [table.enqueue("noop" if number % 4 else "forks") for number in range(60)]
    jobs += [table.enqueue("forks_in_thread")]
    table.drained()
    assert Counter(table.row(job)["status"] for job in jobs) == {"completed": len(jobs)}
    assert table.row(jobs[-1])["result"] == 7
    assert worker.heard("runner.died") == []


@pytest.mark.parametrize("how", ["sys.exit", "keyboard_interrupt", "loop.stop", "cancel_all"])
def test_what_ends_a_runner_from_inside_costs_its_neighbours_no_attempt(
    start_worker: StartWorker, table: Table, gate: Gate, python_path: str, how: str
) -> None:
    worker = start_worker(crew=CREW, WORKER_CONCURRENCY=8, PYTHONPATH=python_path).ready()
    neighbours = [table.enqueue("rests", {"gate": gate.path}, maxAttempts=1) for _ in range(5)]
    for neighbour in neighbours:
        worker.said("job.processing", job_id=neighbour)
    culprit = table.enqueue("breaks_runner", {"how": how})
    worker.said("runner.died")
    gate.open()
    table.drained()
    assert [table.row(job)["status"] for job in neighbours] == ["completed"] * 5
    assert table.row(culprit)["result"] == "gave up"


@pytest.mark.parametrize("type", ["sets_task_factory", "stops_clock"])
def test_a_runner_whose_loop_was_tampered_with_still_runs_jobs(
    worker: WorkerProcess, table: Table, type: str
) -> None:
    first = table.enqueue(type)
    table.until(first)
    jobs = [table.enqueue("noop") for _ in range(20)]
    table.drained()
    assert [table.row(job)["status"] for job in jobs] == ["completed"] * 20
    assert [table.outcomes(job) for job in jobs] == [[]] * 20


@pytest.mark.parametrize(
    "text",
    [b"\0\0\0\x08garbage!", b"\0\x10\0\0half", b"\0\0\0\x08\xff\xff\xff\xf7garbage!"],
    ids=["text", "length", "frame"],
)
def test_garbage_on_the_runners_connection_ends_that_runner_alone(
    start_worker: StartWorker, table: Table, gate: Gate, text: bytes
) -> None:
    worker = start_worker(crew=CREW, WORKER_CONCURRENCY=4, POLL_INTERVAL=0.2).ready()
    neighbours = [table.enqueue("rests", {"gate": gate.path}, maxAttempts=1) for _ in range(2)]
    for neighbour in neighbours:
        worker.said("job.processing", job_id=neighbour)
    culprit = table.enqueue("writes_garbage", {"text": list(text)})
    worker.said("runner.died")
    gate.open()
    table.drained()
    assert [table.row(job)["status"] for job in neighbours] == ["completed"] * 2
    assert table.row(culprit)["result"] == "gave up"
    assert worker.stop() == 0


@pytest.mark.parametrize("thread", [False, True], ids=["alone", "with_a_thread_that_stays"])
def test_a_worker_that_leaves_lets_its_crew_end_as_a_program_does(
    start_worker: StartWorker, table: Table, journal: Journal, thread: bool
) -> None:
    worker = start_worker(crew=CREW).ready()
    table.until(table.enqueue("keeps_thread" if thread else "noop"))
    (pid,) = worker.runners()
    assert worker.stop() == 0
    assert Path(f"{journal.path}.goodbyes").read_text() == f"{pid}\n"


def test_what_handlers_print_is_there_at_once(worker: WorkerProcess, table: Table) -> None:
    worker.ready()
    for number in range(5):
        table.enqueue("prints", {"text": f"printed {number}"})
    table.drained()
    printed = [line["message"].strip() for line in worker.heard("other")]
    assert sorted(printed) == [f"printed {number}" for number in range(5)]


def test_a_hook_that_never_returns_keeps_no_worker_from_leaving(
    start_worker: StartWorker, table: Table
) -> None:
    worker = start_worker(crew=CREW).ready()
    table.until(table.enqueue("leaves_hook"))
    assert worker.stop() == 0
