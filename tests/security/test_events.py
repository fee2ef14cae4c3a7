"""Of events each role may do what it is for: tell, deliver, watch; where they go none of them decides."""

from __future__ import annotations

import psycopg
import pytest

from rig.fixtures import StartWorker
from rig.logins import As, Login
from rig.table import Table
from rig.waiting import eventually
from tests.control.test_telling import SECRET

pytestmark = pytest.mark.timeout(180)
RECEIVER = "INSERT INTO event_receivers (name, via) VALUES ('the-log', 'log')"


@pytest.mark.slow
@pytest.mark.long  # a queue's depth is looked for once a minute
def test_a_workers_role_is_enough_to_write_merge_tell_and_prune(
    login: Login, start_worker: StartWorker, table: Table
) -> None:
    table.rows(RECEIVER)
    table.rows("INSERT INTO queue_alarms (queue, \"readyAbove\") VALUES ('nobody', 0)")
    table.rows("INSERT INTO events (kind, \"createdAt\") VALUES ('old', '2001-01-01')")
    table.enqueue("echo", {"value": 1}, queue="nobody")
    worker = start_worker(url=login("worker"), WORKER_QUEUES="default", EVENT_TTL="1d").ready()
    table.enqueue("permanent")
    table.enqueue("emits", {"in_transaction": True})
    worker.said("event.told", kind="job.failed")
    worker.said("event.told", kind="rained")
    worker.said("event.told", kind="queue.depth.high", queue="nobody", seconds=90)  # looked for once a minute
    eventually(lambda: not table.rows("SELECT id FROM events WHERE kind = 'old'"), 90)
    assert worker.heard("database.refuses") == []
    told = {row["kind"] for row in table.rows('SELECT kind FROM events WHERE "messageId" IS NOT NULL')}
    assert {"job.failed", "rained", "queue.depth.high"} <= told


def test_a_producer_tells_and_reads_nothing(as_role: As) -> None:
    producer = as_role("producer")
    producer.execute("INSERT INTO events (kind, subject, detail) VALUES ('rained', 'Oslo', '{}')")
    for refused in (
        "SELECT kind FROM events",
        "INSERT INTO events (kind, \"messageId\") VALUES ('x', 1)",
        RECEIVER,
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            producer.execute(refused)


def test_a_reader_sees_neither_details_nor_where_events_go(as_role: As) -> None:
    reader = as_role("reader")
    reader.execute("SELECT id, kind, subject FROM events")
    reader.execute("SELECT name, via, kinds FROM event_receivers")
    reader.execute("SELECT id, receiver, error FROM event_messages")
    for refused in ("SELECT detail FROM events", "SELECT target FROM event_receivers", "DELETE FROM events"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(refused)


def test_a_worker_cannot_decide_where_events_go(as_role: As) -> None:
    for refused in (RECEIVER, "UPDATE event_receivers SET target = 'x'", "DELETE FROM event_receivers"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role("worker").execute(refused)


def test_a_secret_that_signs_is_in_no_log_no_row_and_no_runner(
    start_worker: StartWorker, table: Table
) -> None:
    table.rows(
        "INSERT INTO event_receivers (name, via, target) VALUES ('ops', 'webhook', 'https://127.0.0.1/private')"
    )
    worker = start_worker(EVENT_SECRETS=f"ops={SECRET}", LOG_FORMAT="json").ready()
    table.enqueue("permanent")
    worker.said("event.failed")
    (message,) = table.rows("SELECT error FROM event_messages")
    assert (
        message["error"] == "127.0.0.1: leads to an address that is not public and not in EVENT_ALLOW_PRIVATE"
    )
    assert SECRET.removeprefix("whsec_") not in worker.log.read_text()
