"""`rowcrew workers list`: the workers of the table, as they have entered themselves."""

from __future__ import annotations

import json

import pytest

from rowcrew.cli import main
from tests.conftest import Connect
from tests.contract.hands import insert, register_worker, reserve


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> list[tuple[str, str]]:
    assert main(["workers", "list", "--json", *options]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(row["name"], row["state"]) for row in rows]


def test_the_worker_heard_last_comes_first_and_states_narrow_the_list(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect()
    register_worker(connection, name="anna", heartbeatAt="2026-01-03")
    register_worker(connection, name="bert", heartbeatAt="2026-01-02", lostAt="2026-01-02")
    register_worker(connection, name="carl", heartbeatAt="2026-01-01", stoppedAt="2026-01-01")
    register_worker(connection, name="dora")
    everybody = [("dora", "live"), ("anna", "silent"), ("bert", "lost"), ("carl", "stopped")]
    assert listed(capsys) == everybody
    assert listed(capsys, "--state", "lost", "--state", "live") == [everybody[0], everybody[2]]
    assert listed(capsys, "--limit", "1") == everybody[:1]


def test_people_get_a_table_with_queues_and_taken_slots(
    connect: Connect, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    connection = connect()
    worker = register_worker(connection, name="alpha", queues=[], slots=2)
    for _ in range(3):  # more than it has slots: reserved ahead
        reserve(connection, insert(connection), worker)
    assert main(["workers"]) == 0
    head, row, process = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["id", "name", "state"]
    assert row.split()[1:3] == ["alpha", "live"]
    assert ("all" in process.split(), "2/2" in row.split()) == (True, True)


def test_without_a_worker_the_next_step_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workers"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, "rowcrew worker`" in printed.err) == ("", True)


def test_the_table_of_people_fits_a_terminal_of_80_columns(
    connect: Connect, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    columns = {"host": "ip-10-0-13-251.ec2.internal", "pid": 41234, "slots": 100, "memoryBytes": 812 << 20}
    register_worker(connect(), name="render-worker-7", cpuPercent=87.5, restarts=12, **columns)
    assert main(["workers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert "pid 41234 on ip-10-0-13-251.ec2.internal" in lines[-1]


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    code = main(["workers", *arguments])
    return code, capsys.readouterr().out.splitlines()


def test_workers_that_are_there_are_asked_and_the_others_are_said_to_be_gone(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect()
    live = register_worker(connection, name="anna")
    silent = register_worker(connection, name="bert", heartbeatAt="2026-01-01")
    lost = register_worker(connection, name="carl", lostAt="2026-01-01")
    left = register_worker(connection, name="dora", stoppedAt="2026-01-01")
    reserve(connection, insert(connection), live)
    code, lines = told(capsys, "drain", *map(str, (live, silent, lost, left, 4711)))
    assert code == 1
    assert [line.partition(", last heard")[0] for line in lines] == [
        f"Worker {live} (anna): draining; it has still 1 job",
        f"Worker {silent} (bert): asked to drain; it will obey if it comes back",
        f"Worker {lost} (carl): it is gone, lost",
        f"Worker {left} (dora): it is gone, stopped",
        "Worker 4711: there is no such worker",
    ]
    words = connection.execute("SELECT asked FROM workers ORDER BY id").fetchall()
    assert words == [("drain",), ("drain",), (None,), (None,)]


def test_no_worker_turns_back_that_is_asked_to_terminate(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    id = register_worker(connect(), name="anna")
    assert told(capsys, "terminate", "--all") == (0, [f"Worker {id} (anna): stopping; it has no job"])
    assert told(capsys, "terminate", "--all")[0] == 0
    for request in ("resume", "drain"):
        code, lines = told(capsys, request, str(id))
        assert (code, "stopping already" in lines[0]) == (1, True)


def test_a_request_names_its_workers_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "drain")[0] == told(capsys, "drain", "1", "--all")[0] == 2
    assert told(capsys, "drain", "anna")[0] == 2
    assert told(capsys, "drain", "--all") == (0, [])
    assert told(capsys, "drain", "1", "--queue", "reports")[0] == 2
    assert told(capsys, "drain", "--all", "--queue", "reports")[0] == 2


def test_all_workers_of_a_queue_are_terminated_and_nobody_else(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect()
    anna, bert = (register_worker(connection, name=name, queues=["reports"]) for name in ("anna", "bert"))
    carl = register_worker(connection, name="carl", queues=["mails", "reports"])
    register_worker(connection, name="dora", queues=["mails"])
    register_worker(connection, name="emil", queues=[])  # it serves all queues, and is nobody's in particular
    code, lines = told(capsys, "terminate", "--queue", "reports")
    assert (code, [line.partition(":")[0] for line in lines]) == (
        0,
        [f"Worker {anna} (anna)", f"Worker {bert} (bert)", f"Worker {carl} (carl)"],
    )
    asked = connection.execute("SELECT name FROM workers WHERE asked = 'terminate' ORDER BY id").fetchall()
    assert asked == [("anna",), ("bert",), ("carl",)]
    assert told(capsys, "terminate", "--queue", "nobody") == (0, [])


def test_a_queue_with_a_limit_is_told_with_its_live_workers_of_those_that_it_may_have(
    connect: Connect, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    connection = connect()
    connection.execute("""INSERT INTO queues (queue, "maxConcurrent") VALUES ('reports', 3)""")
    register_worker(connection, name="anna", queues=["reports", "mails"])
    register_worker(connection, name="bert", queues=[])
    register_worker(connection, name="carl", queues=["reports"], heartbeatAt="2026-01-01")
    assert main(["workers", "list", "--state", "live"]) == 0
    assert "queues: reports (2 of 3), mails" in capsys.readouterr().out
