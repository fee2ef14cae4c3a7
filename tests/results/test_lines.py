"""What handlers log and print is kept with their jobs: whose it is, how much, and what stands in the way."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from rig.clock import MovedClock
from rig.fixtures import StartWorker
from rig.journal import Gate
from rig.pooler import MISSING, PROGRAM, Pooler
from rig.table import Row, Table
from rig.waiting import as_far_as_it_gets, eventually
from rig.worker_process import WorkerProcess
from rowcrew.control.clock import MonotonicClock
from rowcrew.control.road.lines import Lines
from rowcrew.log import Log
from rowcrew.runner.wire import Piece
from rowcrew.table import job_lines
from rowcrew.table.link import Link

Start = Callable[..., WorkerProcess]


@pytest.fixture
def start(start_worker: StartWorker) -> Start:
    def started(**options: Any) -> WorkerProcess:
        return start_worker(**{"crew": "tests.results.talkers:crew", **options}).ready()

    return started


def pieces(table: Table, job: int) -> list[Row]:
    return table.rows('SELECT * FROM job_logs WHERE "jobId" = %s ORDER BY id', job)


def said(table: Table, job: int) -> list[str]:
    return [line for piece in pieces(table, job) for line in piece["text"].split("\n")]


def until_said(table: Table, job: int, last: str) -> list[str]:
    eventually(lambda: last in said(table, job))
    return said(table, job)


def test_what_a_handler_logs_and_prints_is_kept_with_its_job(start: Start, table: Table) -> None:
    start()
    first, second = (table.enqueue("talk", {"name": name}) for name in ("Ada", "Bob"))
    for job, name in ((first, "Ada"), (second, "Bob")):
        assert until_said(table, job, "without an end") == [
            f"printed by {name}",
            "to standard error",
            f"⚠️  logged by {name}",
            "structured answer=42",
            "without an end",
        ]
    (piece,) = pieces(table, first)
    assert (piece["attempt"], piece["lines"], piece["dropped"]) == (1, 5, 0)
    row = table.until(first, "completed")
    tick = timedelta(milliseconds=1)  # of an event loop's clock, by which the age of a line is told
    assert row["startedAt"] - tick <= piece["writtenAt"]


def test_the_log_of_the_worker_has_them_as_before(start_worker: StartWorker, table: Table) -> None:
    worker = start_worker(crew="tests.results.talkers:crew", LOG_FORMAT="text")
    job = table.enqueue("talk", {"name": "Ada"})
    table.until(job, "completed")
    assert worker.stop() == 0
    log = worker.log.read_text()
    assert log.count("printed by Ada") == 1
    assert log.count(f"⚠️  [job {job} talk] logged by Ada") == 1


def test_runs_at_the_same_time_do_not_mix(start: Start, table: Table) -> None:
    start(WORKER_CONCURRENCY=8)
    jobs = {table.enqueue("talk_in_threads", {"name": f"n{number}"}): f"n{number}" for number in range(40)}
    for job, name in jobs.items():
        assert until_said(table, job, f"{name} again") == [f"{name} in a thread", f"{name} again"]


def test_each_line_has_its_attempt(start: Start, table: Table) -> None:
    start()
    job = table.enqueue("broken")
    until_said(table, job, "attempt 3")
    assert [(one["attempt"], one["text"]) for one in pieces(table, job)] == [
        (number, f"attempt {number}") for number in (1, 2, 3)
    ]


def test_of_many_lines_the_first_and_the_last_are_kept_and_the_others_counted(
    start: Start, table: Table
) -> None:
    start()
    job = table.enqueue("flood", {"lines": 20_000})
    lines = until_said(table, job, f"{19_999:08} {'x' * 10}")
    kept = pieces(table, job)
    assert lines[0] == f"{0:08} {'x' * 10}"
    assert sum(one["lines"] + one["dropped"] for one in kept) == 20_000
    assert sum(len(one["text"]) for one in kept) <= 65_536


def test_a_handler_that_prints_for_ever_is_bounded_and_stops_nobody(start: Start, table: Table) -> None:
    start(JOB_LOG_SIZE="16K", CANCEL_GRACE=1)
    job = table.enqueue("flood_for_ever")
    eventually(lambda: sum(one["dropped"] for one in pieces(table, job)) > 1_000)
    eventually(lambda: len({one["writtenAt"] for one in pieces(table, job)}) > 3, 60)
    table.until(table.enqueue("talk", {"name": "Ada"}), "completed")
    assert sum(len(one["text"]) for one in pieces(table, job)) <= 2 * 16_384
    assert len(pieces(table, job)) < 40
    table.set_status(job, "cancelled")


def test_odd_bytes_are_kept_as_text_without_secrets(start: Start, table: Table) -> None:
    start()
    job = table.enqueue("odd")
    lines = until_said(table, job, "two")
    assert lines[0] == "ab \\ud800 [31mred[0m über"
    assert lines[1] == "password=*** and postgresql://me:***@host/db"
    assert lines[2].startswith("yyy")
    assert len(lines[2]) <= 4_096
    assert " … " in lines[2]
    assert lines[3:5] == ["one", "two"]
    assert "hunter2" not in str(table.rows("SELECT text FROM job_logs"))


def test_what_was_said_before_a_worker_was_killed_is_there_and_the_next_attempt_goes_on(
    start: Start, table: Table, gate: Gate
) -> None:
    worker = start()
    job = table.enqueue("say_and_hold", {"gate": gate.path})
    until_said(table, job, "said before")
    worker.signal(signal.SIGKILL)
    worker.exited()
    assert said(table, job) == ["said before"]


def test_the_last_words_of_a_runner_that_dies_are_there(start: Start, table: Table, gate: Gate) -> None:
    start()
    job = table.enqueue("say_and_die", {"gate": gate.path})
    until_said(table, job, "last words")
    gate.open()
    table.until(job, "failed", "queued")
    assert said(table, job)[0] == "last words"


def test_a_copy_of_the_runner_says_nothing_and_holds_nothing_up(start: Start, table: Table) -> None:
    start()
    job = table.enqueue("fork")
    assert until_said(table, job, "the original again") == ["the original", "the original again"]


def test_a_task_that_outlives_its_run_still_speaks_for_it(start: Start, table: Table, gate: Gate) -> None:
    start()
    job = table.enqueue("outlive", {"gate": gate.path})
    until_said(table, job, "in the run")
    gate.open()
    until_said(table, job, "after the run")


def test_a_thread_of_a_handlers_own_belongs_to_nobody(start: Start, table: Table) -> None:
    worker = start()
    job = table.enqueue("in_own_thread")
    table.until(job, "completed")
    eventually(lambda: "nobody knows whose this is" in worker.log.read_text())
    table.until(other := table.enqueue("talk", {"name": "Ada"}), "completed")
    until_said(table, other, "without an end")
    assert said(table, job) == []


def test_nothing_is_kept_where_nothing_shall_be(start: Start, table: Table) -> None:
    worker = start(JOB_LOG_SIZE=0)
    table.until(table.enqueue("talk", {"name": "Ada"}), "completed")
    assert worker.stop() == 0
    assert "printed by Ada" in worker.log.read_text()
    assert table.rows("SELECT * FROM job_logs") == []


def test_a_worker_that_stops_writes_what_was_said_last(start: Start, table: Table) -> None:
    worker = start()
    job = table.enqueue("talk", {"name": "Ada"})
    table.until(job, "completed")
    assert worker.stop() == 0
    assert said(table, job)[-1] == "without an end"


@pytest.mark.anyio
async def test_lines_that_wait_for_an_hour_have_the_time_at_which_they_were_said(
    database_url: str, table: Table
) -> None:
    clock, link = MovedClock(), Link(database_url, purpose="test")
    lines = Lines(link=link, most_bytes=1_000, clock=clock, log=Log("json", worker="w"))
    job = table.enqueue("talk", {"name": "Ada"})
    lines.add([Piece(job, 1, clock.now(), 0, 1, "a line")])
    clock.move(3_600)
    before = now(table)
    await lines.once()
    after = now(table)
    await link.close()
    (piece,) = pieces(table, job)
    assert before <= piece["writtenAt"] + timedelta(hours=1) <= after


def now(table: Table) -> datetime:
    """By the database's clock."""
    (row,) = table.rows("SELECT clock_timestamp() AS now")
    moment = row["now"]
    assert isinstance(moment, datetime)
    return moment


@pytest.mark.anyio
async def test_who_leaves_waits_for_the_lines_that_are_being_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def keep_lines(*_: Any, **__: Any) -> list[int]:
        begun.set()
        await go_on.wait()
        return []

    monkeypatch.setattr(job_lines, "keep_lines", keep_lines)
    link = Link("", purpose="test")
    lines = Lines(link=link, most_bytes=1_000, clock=MonotonicClock(), log=Log("json", worker="w"))
    lines.add([Piece(1, 1, 0.0, 0, 1, "a line")])
    running = asyncio.create_task(lines.run())
    await begun.wait()
    leaving = asyncio.create_task(lines.once())
    await as_far_as_it_gets()
    assert not leaving.done()
    go_on.set()
    await leaving
    running.cancel()


@pytest.mark.parametrize("harm", ["DROP TABLE job_logs", "ALTER TABLE job_logs RENAME TO gone"])
def test_a_worker_without_the_table_goes_on(start: Start, table: Table, harm: Any) -> None:
    worker = start()
    table.rows(harm)
    for _ in range(3):
        table.until(table.enqueue("talk", {"name": "Ada"}), "completed")
    worker.said("database.refuses", purpose="lines")
    assert worker.stop() == 0


def test_a_worker_that_may_not_write_lines_goes_on_and_says_so_once(
    start: Start, table: Table, database: str
) -> None:
    table.rows(f'CREATE ROLE "{database}_worker" LOGIN SUPERUSER')
    try:
        table.rows(f'ALTER ROLE "{database}_worker" NOSUPERUSER')
        table.rows(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{database}_worker"')
        table.rows(f'REVOKE ALL ON job_logs FROM "{database}_worker"')
        address = table.address.replace("postgres@", f"{database}_worker@")
        worker = start(url=address)
        for _ in range(3):
            table.until(table.enqueue("talk", {"name": "Ada"}), "completed")
        worker.said("database.refuses", purpose="lines")
        assert worker.stop() == 0
    finally:
        table.rows(f'DROP OWNED BY "{database}_worker"')
        table.rows(f'DROP ROLE "{database}_worker"')


@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_behind_a_pooler_lines_are_kept(
    start: Start, table: Table, tcp_database_url: str, database: str
) -> None:
    with Pooler(tcp_database_url, sessions=3) as pooler:
        worker = start(url=pooler.url_of(database), POLL_INTERVAL=0.2)
        job = table.enqueue("flood", {"lines": 20_000})
        until_said(table, job, f"{19_999:08} {'x' * 10}")
        worker.stop()
