"""`wait` and `wait_async`: the result or what became of the job, woken by a worker and by looking."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, LiteralString

import psycopg
import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate
from rig.pooler import MISSING, PROGRAM, Pooler
from rig.table import Table
from rig.waiting import eventually
from rowcrew import (
    JobCancelled,
    JobFailed,
    JobGone,
    NotEnded,
    enqueue,
    wait,
    wait_async,
    watch,
)
from rowcrew.model.errors import DatabaseUnavailable

LONG = 1_000_000.0
END_BY_HAND: LiteralString = "UPDATE jobs SET status = 'completed', result = '7' WHERE id = %s"


@pytest.fixture(autouse=True)
def address(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database of the test, and no thread of its watch left behind."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(watch, "IDLE_SECONDS", 0.0)
    yield
    eventually(lambda: not watching())


@pytest.fixture
def never_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a notification makes it look a second time."""
    monkeypatch.setattr(watch, "FIRST_LOOK_SECONDS", LONG)
    monkeypatch.setattr(watch, "LONGEST_LOOK_SECONDS", LONG)


def watching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rowcrew watch"]


def in_thread(job: int, timeout: float = 30) -> Future[Any]:
    """A future of the job's result; the job has been looked at."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(wait, job, timeout=timeout)
    pool.shutdown(wait=False)
    eventually(lambda: is_seen(job))
    return future


def is_seen(job: int) -> bool:
    return any(one.last_seen(job) for one in watch._watches.values())


@pytest.mark.usefixtures("never_looks")
@pytest.mark.parametrize("type", ["hold", "hold_thread"])
def test_a_recorded_end_wakes_who_waits(
    start_worker: StartWorker, table: Table, gate: Gate, type: str
) -> None:
    start_worker(POLL_INTERVAL=600).ready()
    job = table.enqueue(type, {"gate": gate.path})
    table.until(job, "processing")
    result = in_thread(job)
    # Notifications come in order: when this job was found, the worker has heard of the other.
    table.until(table.enqueue("echo", {"value": 1}), "completed")
    gate.open()
    assert result.result(30) == table.until(job, "completed")["result"]


@pytest.mark.usefixtures("never_looks")
def test_an_end_that_was_committed_before_the_wait_needs_no_notification(table: Table) -> None:
    job = table.enqueue("of_another_program")
    table.rows(END_BY_HAND, job)
    assert wait(job, timeout=30) == 7


def test_looking_finds_what_no_worker_tells(table: Table) -> None:
    job = table.enqueue("of_another_program")
    result = in_thread(job)
    table.rows(END_BY_HAND, job)
    assert result.result(30) == 7


def test_a_job_that_answers_nothing_has_the_result_none(table: Table) -> None:
    job = table.enqueue("of_another_program")
    table.rows("UPDATE jobs SET status = 'completed' WHERE id = %s", job)
    assert wait(job, timeout=30) is None


def test_a_failure_is_raised_with_type_message_and_attempt(start_worker: StartWorker, table: Table) -> None:
    start_worker().ready()
    job = table.enqueue("permanent")
    with pytest.raises(JobFailed) as raised:
        wait(job, timeout=30)
    error = pickle.loads(pickle.dumps(raised.value))
    message = table.row(job)["errorMessage"]
    assert (error.job_id, error.type, error.message, error.attempt) == (job, "permanent", message, 1)
    assert str(error) == f"job {job} (permanent) failed in attempt 1: {message}"


def test_a_retry_is_no_end(start_worker: StartWorker, table: Table) -> None:
    start_worker().ready()
    assert wait(table.enqueue("ends", {"how": "retry"}), timeout=30) == "after a retry"
    assert wait(table.enqueue("ends", {"how": "snooze"}), timeout=30) == "after a snooze"


def test_a_cancelled_job_is_told_with_its_reason(table: Table) -> None:
    job = table.enqueue("noop")
    result = in_thread(job)
    table.rows("UPDATE jobs SET status = 'cancelled', \"errorMessage\" = 'not needed' WHERE id = %s", job)
    with pytest.raises(JobCancelled, match=rf"job {job} \(noop\) was cancelled: not needed"):
        result.result(30)


def test_the_time_limit_says_how_the_job_stands(table: Table) -> None:
    job = table.enqueue("noop")
    with pytest.raises(NotEnded, match=rf"job {job} \(noop\) has not ended within 0.5 seconds: it is queued"):
        wait(job, timeout=0.5)
    assert issubclass(NotEnded, TimeoutError)


def test_a_job_of_an_open_transaction_is_said_to_be_unseen_and_found_after_the_commit(table: Table) -> None:
    with psycopg.connect(table.address) as mine:
        job = enqueue("of_another_program", on=mine)
        with pytest.raises(NotEnded, match="commit first, then wait"):
            wait(job, timeout=0.5)
        pool = ThreadPoolExecutor(1)
        result = pool.submit(wait, job, timeout=30)
        mine.commit()
    table.rows(END_BY_HAND, job.id)
    assert result.result(30) == 7
    pool.shutdown()


def test_a_job_that_nobody_sees_for_long_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "UNSEEN_SECONDS", 0.2)
    with pytest.raises(JobGone, match="job 4711 is not in the table"):
        wait(4711, timeout=30)
    with pytest.raises(JobGone, match="there is no job"):
        wait(2**63)


def test_a_row_deleted_meanwhile_is_said_to_be_gone(table: Table) -> None:
    job = table.enqueue("noop")
    result = in_thread(job)
    table.rows("DELETE FROM jobs WHERE id = %s", job)
    with pytest.raises(JobGone, match=f"job {job} was deleted while it was waited for; it was queued"):
        result.result(30)


def test_what_is_no_job_is_refused() -> None:
    for wrong in ("7", 7.0, True, None):
        with pytest.raises(TypeError, match="give the id of a job"):
            wait(wrong)  # type: ignore[arg-type]


def test_many_threads_and_event_loops_share_one_connection(table: Table) -> None:
    jobs = [table.enqueue("of_another_program") for _ in range(60)]

    async def some(mine: list[int]) -> list[Any]:
        return await asyncio.gather(*(wait_async(job, timeout=30) for job in mine))

    with ThreadPoolExecutor(22) as pool:
        loops = [pool.submit(asyncio.run, some(mine)) for mine in (jobs[:20], jobs[20:40])]
        threads = [pool.submit(wait, job, timeout=30) for job in jobs[40:]]
        eventually(lambda: all(map(is_seen, jobs)))
        assert len(watches_of(table)) == 1
        table.rows("UPDATE jobs SET status = 'completed', result = to_jsonb(id)")
        assert [one.result(30) for one in threads] == jobs[40:]
        assert [one.result(30) for one in loops] == [jobs[:20], jobs[20:40]]
    eventually(lambda: not watches_of(table))


def test_of_threads_that_wait_first_at_one_time_all_get_the_same_watch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[watch.Watch] = []
    meet = threading.Barrier(2)

    class Meeting(watch.Watch):
        """Made when the other thread makes one as well."""

        def __init__(self, address: str) -> None:
            super().__init__(address)
            made.append(self)
            meet.wait(30)

    monkeypatch.setattr(watch, "_watches", {})
    monkeypatch.setattr(watch, "Watch", Meeting)
    with ThreadPoolExecutor(2) as pool:
        got = list(pool.map(watch.watch_of, ["postgresql:///nowhere"] * 2))
    assert got[0] is got[1]
    assert [one._bell.fileno() >= 0 for one in made] == [one is got[0] for one in made]
    got[0].close()


def watches_of(table: Table) -> list[Any]:
    return [row for row in table.connections_of_workers() if row["name"] == "rowcrew watch"]


def test_who_gives_up_waiting_leaves_the_others_theirs(table: Table) -> None:
    job = table.enqueue("of_another_program")

    async def both() -> Any:
        first, second = (asyncio.create_task(wait_async(job, timeout=30)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        table.rows(END_BY_HAND, job)
        answers = await asyncio.gather(first, second, return_exceptions=True)
        return type(answers[0]), answers[1]

    assert asyncio.run(both()) == (asyncio.CancelledError, 7)


def test_a_lost_connection_is_opened_again(table: Table) -> None:
    job = table.enqueue("of_another_program")
    result = in_thread(job)
    (before,) = watches_of(table)
    table.rows("SELECT pg_terminate_backend(%s)", before["pid"])
    eventually(lambda: [row["pid"] for row in watches_of(table)] not in ([], [before["pid"]]))
    table.rows(END_BY_HAND, job)
    assert result.result(30) == 7


def test_a_database_that_is_not_there_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hidden@127.0.0.1:1/db")
    with pytest.raises(DatabaseUnavailable) as raised:
        wait(1)
    assert "hidden" not in str(raised.value)


def test_a_role_that_may_not_read_results_hears_it_and_others_may_wait_later(table: Table) -> None:
    job = table.enqueue("of_another_program")
    table.rows("ALTER TABLE jobs RENAME COLUMN result TO outcome")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        wait(job, timeout=30)
    table.rows("ALTER TABLE jobs RENAME COLUMN outcome TO result")
    table.rows(END_BY_HAND, job)
    assert wait(job, timeout=30) == 7


def test_a_copy_of_the_process_waits_with_a_connection_of_its_own(table: Table) -> None:
    first, second = (table.enqueue("of_another_program") for _ in range(2))
    mine = in_thread(first)
    copy = multiprocessing.get_context("fork").Process(target=_waits_in_copy, args=(second,))
    copy.start()
    eventually(lambda: len(watches_of(table)) == 2)
    table.rows(END_BY_HAND, second)
    copy.join(30)
    assert copy.exitcode == 7
    table.rows(END_BY_HAND, first)
    assert mine.result(30) == 7
    assert copy.pid != os.getpid()


def _waits_in_copy(job: int) -> None:
    os._exit(wait(job, timeout=30))


@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_behind_a_pooler_it_looks_and_leaves_no_session_that_listens(
    tcp_database_url: str, database: str, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Pooler(tcp_database_url, sessions=2) as pooler:
        monkeypatch.setenv("DATABASE_URL", pooler.url_of(database))
        job = table.enqueue("of_another_program")
        result = in_thread(job)
        table.rows(END_BY_HAND, job)
        assert result.result(30) == 7
        with psycopg.connect(pooler.url_of(database), autocommit=True) as session:
            assert session.execute("SELECT * FROM pg_listening_channels()").fetchall() == []
        eventually(lambda: not watching())


def test_a_database_that_takes_no_writes_is_waited_on(table: Table, database: str) -> None:
    table.rows(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
    job = table.enqueue("of_another_program")
    result = in_thread(job)
    table.rows(END_BY_HAND, job)
    assert result.result(30) == 7


def test_jobs_that_nobody_waits_for_send_no_notification(start_worker: StartWorker, table: Table) -> None:
    with psycopg.connect(table.address, autocommit=True) as listener:
        listener.execute("LISTEN rowcrew_ended")
        start_worker().ready()
        jobs = [table.enqueue("echo", {"value": value}) for value in range(50)]
        table.drained()
        assert wait(jobs[0], timeout=30) == 0
        listener.execute("NOTIFY rowcrew_ended, 'the last'")
        assert [told.payload for told in listener.notifies(timeout=30, stop_after=1)] == ["the last"]
