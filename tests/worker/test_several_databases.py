"""One crew for two databases: a worker process for each, and one parent that people start and stop."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.ports import free_port
from rig.programs import ROOT, run
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import CREW, WorkerProcess, is_gone
from rowcrew.control.several import WorkerOf
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.log import Log
from rowcrew.settings.readers import Database, Secret
from rowcrew.table import migrate
from tests.worker.test_leftovers import IN_A_CONTAINER, inner_id, namespaces_are_permitted

Start = Callable[..., WorkerProcess]


@pytest.fixture(scope="module")
def other_server() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(durable=False, port=free_port()) as server:
        migrate.migrate(server.url)
        yield server


@pytest.fixture
def other(other_server: EmbeddedPostgres) -> Iterator[Table]:
    """The table of the second database, which has a server of its own."""
    table = Table(other_server.url)
    yield table
    table.close()


@pytest.fixture
def start(start_worker: StartWorker, database_url: str, other_server: EmbeddedPostgres) -> Start:
    """A worker for the databases `sales`, the usual one, and `stock`, on the other server."""
    urls = f"sales={database_url} stock={other_server.url}"
    return lambda **settings: start_worker(
        url="", **{"DATABASE_URLS": urls, "POLL_INTERVAL": 0.5, "WORKER_CONCURRENCY": 2, **settings}
    )


def ready(worker: WorkerProcess, *labels: str) -> None:
    for label in labels or ("sales", "stock"):
        worker.said("worker.ready", database_label=label)


def test_the_front_door_of_platforms_serves_several_databases_as_well(start: Start) -> None:
    worker = start(program=[sys.executable, str(ROOT / "python-worker" / "worker.py"), "--concurrency", "1"])
    ready(worker)
    worker.signal(signal.SIGTERM)
    assert worker.exited() == 0


def test_one_database_that_is_down_does_not_disturb_the_other(
    start: Start, table: Table, other: Table, other_server: EmbeddedPostgres
) -> None:
    worker = start()
    ready(worker)
    for label, its in (("sales", table), ("stock", other)):
        job = its.enqueue("noop")
        its.until(job, "completed")
        worker.said("job.completed", job_id=job, database_label=label)
    other.close()
    other_server.halt("immediate")
    worker.said("database.lost", database_label="stock")
    table.until(table.enqueue("noop"), "completed")
    other_server.resume()
    other.until(other.enqueue("noop"), "completed")
    assert worker.heard("database.lost", database_label="sales") == []

    family = worker.family()
    assert worker.stop() == 0
    assert [one.pid for one in family if not is_gone(one.pid)] == []
    for its in (table, other):
        assert its.rows("SELECT 1 FROM worker_status WHERE state = 'live'") == []
    for label in ("sales", "stock"):
        assert worker.heard("worker.stopped", database_label=label, reason="signal")


def test_a_database_that_is_not_there_at_the_start_gets_a_worker_when_it_is(
    start: Start, table: Table, other: Table, other_server: EmbeddedPostgres
) -> None:
    other.close()
    other_server.halt("immediate")
    worker = start(DB_CONNECT_TIMEOUT=1)
    ready(worker, "sales")
    worker.said("worker.of_database_again", database="stock", times=2)
    table.until(table.enqueue("noop"), "completed")
    other_server.resume()
    ready(worker, "stock")
    other.until(other.enqueue("noop"), "completed")
    assert worker.stop() == 0


def test_a_worker_that_is_killed_has_a_successor_and_the_other_goes_on(
    start: Start, table: Table, other: Table
) -> None:
    worker = start()
    ready(worker)
    pids = {said["database"]: said["pid"] for said in worker.heard("worker.of_database")}
    psutil.Process(pids["sales"]).kill()
    assert worker.said("worker.of_database_again", database="sales")["code"] == -signal.SIGKILL
    worker.said("worker.ready", database_label="sales", times=2)
    table.until(table.enqueue("noop"), "completed")
    other.until(other.enqueue("noop"), "completed")
    assert psutil.Process(pids["stock"]).ppid() == worker.pid
    assert worker.stop() == 0


def test_the_workers_stop_when_their_parent_is_killed(start: Start, table: Table, other: Table) -> None:
    worker = start()
    ready(worker)
    family = worker.family()
    worker.kill()
    eventually(lambda: all(is_gone(one.pid) for one in family))
    for label in ("sales", "stock"):
        assert worker.heard("worker.stopped", database_label=label, reason="signal")


def test_a_log_that_nobody_reads_keeps_no_signal_from_the_workers(
    start_worker: StartWorker, database_url: str, table: Table
) -> None:
    reader, writer = os.pipe()
    worker = start_worker(url="", DATABASE_URLS=f"sales={database_url}", output=writer)
    (child,) = eventually(worker.children)
    eventually(lambda: live(table))
    fill(writer)
    child.kill()
    eventually(lambda: worker.children() != [child])
    worker.signal(signal.SIGTERM)
    worker.exited()
    os.close(reader)
    os.close(writer)


def live(table: Table) -> list[Any]:
    return table.rows("SELECT 1 FROM worker_status WHERE state = 'live'")


def fill(writer: int) -> None:
    """Write into a pipe until it takes no more, without making it one that refuses its other writers."""
    again = os.open(f"/proc/self/fd/{writer}", os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(again, bytes(1))
    os.close(again)


@pytest.mark.skipif(not namespaces_are_permitted(), reason="needs a process namespace: root, and unshare")
def test_as_the_first_process_of_a_container_the_parent_takes_the_end_of_orphans(
    start_worker: StartWorker, database_url: str, table: Table, journal: Journal, gate: Gate
) -> None:
    command = [*IN_A_CONTAINER, sys.executable, "-m", "rowcrew.cli", "worker", CREW]
    container = start_worker(program=command, url="", DATABASE_URLS=f"sales={database_url}")
    container.said("worker.ready")
    (parent,) = psutil.Process(container.pid).children()
    job = table.enqueue("leaves_programs", {"gate": gate.path}, maxAttempts=1)
    journal.has("start", job=job)
    first = container.said("worker.of_database")["pid"]
    (worker,) = [one for one in parent.children() if inner_id(one) == first]
    worker.kill()
    container.said("worker.ready", times=2)
    eventually(lambda: not [one for one in parent.children() if one.status() == psutil.STATUS_ZOMBIE])
    container.signal(signal.SIGKILL)


def test_ephemeral_workers_leave_one_by_one_and_the_parent_with_the_last(
    start: Start, table: Table, other: Table
) -> None:
    job = table.enqueue("noop")
    worker = start(WORKER_EPHEMERAL="true", WORKER_IDLE_TIMEOUT=1)
    assert worker.exited() == 0
    assert table.row(job)["status"] == "completed"


def test_each_line_for_people_begins_with_the_name_of_its_database(start: Start, table: Table) -> None:
    job = table.enqueue("noop")
    worker = start(LOG_FORMAT="text")
    table.until(job, "completed")
    eventually(lambda: f"[sales] ✅ Job completed: {job}" in worker.log.read_text())
    assert worker.stop() == 0


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_DIRECT_URL", "HEALTH_PORT"])
def test_what_belongs_to_one_database_is_refused_beside_several(name: str, tmp_path: Path) -> None:
    value = "8080" if name == "HEALTH_PORT" else "postgresql:///one"
    urls = "a=postgresql:///a b=postgresql:///b"
    given: dict[str, Any] = {"DATABASE_URLS": urls, name: value}
    ended = run("worker", cwd=tmp_path, **given)
    assert ended.returncode == 2
    assert f"{name} is for one database" in ended.stderr


@pytest.mark.parametrize(
    "urls", ["postgresql:///a", "a=postgresql:///a a=postgresql:///b", "a=b", "A=postgresql:///a"]
)
def test_names_and_addresses_that_make_no_sense_are_told_without_showing_them(
    urls: str, tmp_path: Path
) -> None:
    ended = run("worker", cwd=tmp_path, DATABASE_URLS=urls)
    assert ended.returncode == 2
    assert "DATABASE_URLS=…: " in ended.stderr
    assert "postgresql:///a" not in ended.stderr


def test_a_wrong_setting_ends_all_of_it(start: Start) -> None:
    assert start(SHUTDOWN_GRACE="soon").exited() == 2


def test_a_worker_that_cannot_be_started_is_due_again_and_its_parent_goes_on() -> None:
    worker = WorkerOf(Database("sales", Secret("postgresql:///")), ["/nowhere"], Log("text", io.StringIO()))
    worker.start()
    assert (worker.pid, worker.code) == (None, 1)
    assert worker.again_at is not None
