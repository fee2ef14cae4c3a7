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
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["id", "name", "state"]
    assert row.split()[1:3] == ["alpha", "live"]
    assert ("all" in row.split(), "2/2" in row.split()) == (True, True)


def test_without_a_worker_the_next_step_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workers"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, "rowcrew worker`" in printed.err) == ("", True)
