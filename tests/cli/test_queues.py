"""`rowcrew queues list`: how the queues stand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rig.staging import past_triggers
from rowcrew.cli import main
from tests.conftest import Connect
from tests.contract.hands import STATUSES, insert, job_in, register_worker, reserve


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert main(["queues", "list", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {row["queue"]: row for row in rows}


def test_the_counts_are_those_of_the_documented_query(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect()
    for queue, times in (("default", 1), ("reports", 3)):
        for status in STATUSES:
            for _ in range(times):
                job_in(connection, status, queue=queue)
    insert(connection, queue="reports")
    answer = connection.execute("SELECT status, COUNT(*) FROM jobs GROUP BY status").fetchall()
    counts = {row[0]: row[1] for row in answer}
    rows = listed(capsys)
    assert {status: sum(row[status] for row in rows.values()) for status in STATUSES} == counts
    assert [rows["reports"][status] for status in STATUSES] == [4, 3, 3, 3, 3]


def test_what_is_ready_is_told_apart_from_what_is_due_later(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect()
    old = insert(connection)
    insert(connection)
    insert(connection, runAt="2199-01-01")
    with past_triggers(connection):
        connection.execute("""UPDATE jobs SET "runAt" = now() - interval '5 min' WHERE id = %s""", [old])
    row = listed(capsys)["default"]
    assert (row["queued"], row["ready"]) == (3, 2)
    assert 300 <= row["oldestWaitSeconds"] < 400
    assert row["oldestReadyAt"].endswith("Z")


def test_live_workers_and_their_slots_count_for_the_queues_they_serve(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect()
    everywhere = register_worker(connection, queues=[], slots=4)
    one = register_worker(connection, queues=["reports", "mails"], slots=2)
    register_worker(connection, queues=["reports"], slots=8, stoppedAt="2026-01-01")
    register_worker(connection, queues=["reports"], slots=8, heartbeatAt="2026-01-01")
    connection.execute("INSERT INTO queues (queue) VALUES ('empty')")
    reserve(connection, insert(connection, queue="reports"), everywhere)
    for _ in range(5):  # more than it has slots: reserved ahead
        reserve(connection, insert(connection, queue="reports"), one)
    rows = listed(capsys)
    served = {
        queue: (row["workers"], row["slots"], row["slotsTaken"], row["processing"])
        for queue, row in rows.items()
    }
    assert served == {"empty": (1, 4, 1, 0), "mails": (2, 6, 3, 0), "reports": (2, 6, 3, 6)}


def test_people_get_a_table(
    connect: Connect, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    register_worker(connect(), slots=4)
    insert(connect())
    assert main(["queues"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["queue", "queued", "processing"]
    assert row.split()[:3] == ["default", "1", "0"]
    assert row.endswith("0/4")


def test_an_empty_table_names_the_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queues"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, "rowcrew enqueue" in printed.err) == ("", True)
