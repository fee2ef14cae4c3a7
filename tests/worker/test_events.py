"""Whole workers tell real receivers: from a handler's word or a failure to a signed request and a program."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import pytest

from rig.fixtures import StartWorker
from rig.pooler import MISSING, PROGRAM, Pooler, borrowed_state
from rig.table import Table
from rig.waiting import eventually
from tests.control.test_telling import LOOPBACK, SECRET, Heard, receiving, saying, verify_in_python

SETTINGS = {
    "EVENT_ALLOW_PRIVATE": LOOPBACK,
    "EVENT_SECRETS": f"ops={SECRET}",
    "EVENT_MERGE_INTERVAL": 1,
    "POLL_INTERVAL": 0.2,
}
STORM = 300


@pytest.fixture
def heard() -> Iterator[Heard]:
    with receiving(saying(200)) as heard:
        yield heard


def tell_ops(table: Table, heard: Heard, *kinds: str) -> None:
    table.rows(
        "INSERT INTO event_receivers (name, via, target, kinds) VALUES ('ops', 'webhook', %s, %s)",
        f"http://127.0.0.1:{heard.port}/rowcrew",
        list(kinds),
    )


def told(heard: Heard) -> list[dict[str, Any]]:
    assert all(verify_in_python(SECRET, headers, body) for headers, body in heard)
    return [json.loads(body) for _, body in heard]


def test_a_failure_reaches_a_webhook_with_a_signature(
    start_worker: StartWorker, table: Table, heard: Heard
) -> None:
    tell_ops(table, heard)
    worker = start_worker(**SETTINGS).ready()
    job = table.enqueue("permanent")
    eventually(lambda: told(heard))
    (message,) = told(heard)
    assert (message["kind"], message["subject"], message["count"]) == ("job.failed", "permanent", 1)
    assert message["detail"]["jobId"] == job
    eventually(lambda: table.rows('SELECT id FROM event_messages WHERE "deliveredAt" IS NOT NULL'))
    assert worker.stop() == 0


@pytest.mark.parametrize("type", ["emits", "emits_in_thread"])
@pytest.mark.parametrize("in_transaction", [False, True])
def test_what_a_handler_emits_comes_with_its_completion_and_not_without(
    start_worker: StartWorker, table: Table, type: str, *, in_transaction: bool
) -> None:
    start_worker(**SETTINGS).ready()
    given = {"in_transaction": in_transaction} if type == "emits" else {}
    job = table.enqueue(type, given)
    table.until(job, "completed")
    query = "SELECT kind, subject, queue, type, count, detail FROM events WHERE kind = 'rained'"
    assert table.rows(query) == [
        {
            "kind": "rained",
            "subject": "Oslo",
            "queue": "default",
            "type": type,
            "count": 2,
            "detail": {"mm": 7},
        }
    ]
    if type == "emits":
        table.until(table.enqueue("emits", {**given, "raises": True}), "failed")
        assert len(table.rows(query)) == 1


def test_a_storm_of_failures_is_a_few_messages_that_count_them_all(
    start_worker: StartWorker, table: Table, heard: Heard
) -> None:
    tell_ops(table, heard, "job.failed")
    start_worker(WORKER_CONCURRENCY=16, **SETTINGS).ready()
    table.rows("INSERT INTO jobs (type) SELECT 'permanent' FROM generate_series(1, %s)", STORM)
    table.drained()
    eventually(lambda: sum(message["count"] for message in told(heard)) == STORM)
    assert len(heard) <= 10
    assert len({message["id"] for message in told(heard)}) == len(heard)


def writing(place: Path) -> str:
    """A program that leaves what it is told, all at once."""
    write = "open(p + '.part', 'w').write(sys.stdin.read()); os.rename(p + '.part', p)"
    return f"import os, sys; p = {str(place)!r}; {write}"


def test_a_worker_that_dies_while_it_tells_leaves_the_message_to_another(
    start_worker: StartWorker, table: Table, heard: Heard, tmp_path: Path
) -> None:
    began, told = tmp_path / "began", tmp_path / "told"
    hangs = f"{writing(began)}; import time; time.sleep(60)"
    writes = writing(told)
    table.rows("INSERT INTO event_receivers (name, via, target) VALUES ('pager', 'command', 'page')")

    def paging(program: str) -> dict[str, Any]:
        return {**SETTINGS, "EVENT_COMMANDS": json.dumps({"page": ["python3", "-c", program]})}

    first = start_worker(**paging(hangs)).ready()
    table.until(table.enqueue("emits"), "completed")
    eventually(began.exists)
    first.kill()
    table.rows('UPDATE event_messages SET "deliverAt" = now()')  # the claim has run out
    start_worker(**paging(writes)).ready()
    eventually(told.exists)
    assert json.loads(told.read_text()) == json.loads(began.read_text())
    eventually(
        lambda: table.rows('SELECT id FROM event_messages WHERE "deliveredAt" IS NOT NULL AND attempts = 2')
    )


def test_a_worker_that_tells_a_slow_receiver_runs_jobs_and_stops_in_time(
    start_worker: StartWorker, table: Table, tmp_path: Path
) -> None:
    hangs = f"import time; open({str(tmp_path / 'began')!r}, 'w').close(); time.sleep(60)"
    table.rows(
        """INSERT INTO event_receivers (name, via, target, "timeoutSeconds")
           VALUES ('pager', 'command', 'page', 60)"""
    )
    commands = json.dumps({"page": ["python3", "-c", hangs]})
    worker = start_worker(EVENT_COMMANDS=commands, **SETTINGS).ready()
    table.until(table.enqueue("emits"), "completed")
    eventually((tmp_path / "began").exists)
    table.until(table.enqueue("echo", {"value": 1}), "completed")
    idle: LiteralString = """
        SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'
    """
    eventually(lambda: table.rows(idle) == [])  # the worker's transactions are short, and the receiver is not
    worker.signal(signal.SIGTERM)
    assert worker.exited() == 0


@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_behind_a_pooler_events_are_told_as_anywhere(
    start_worker: StartWorker, table: Table, heard: Heard, tcp_database_url: str, database: str
) -> None:
    tell_ops(table, heard)
    table.rows("INSERT INTO queue_alarms (queue, \"readyAbove\") VALUES ('nobody', 0)")
    table.enqueue("echo", {"value": 1}, queue="nobody")
    with Pooler(tcp_database_url, sessions=3) as pooler:
        queues = {"WORKER_QUEUES": "default"}
        worker = start_worker(url=pooler.url_of(database), **SETTINGS, **queues).ready()
        table.enqueue("permanent")
        table.enqueue("emits", {"in_transaction": True})
        eventually(lambda: {"job.failed", "rained"} <= {message["kind"] for message in told(heard)})
        assert worker.stop() == 0
        assert borrowed_state(pooler.url_of(database), 3) == []
