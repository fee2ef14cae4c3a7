"""What producers get wrong is refused at the door, with the field and the remedy; or one job fails alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rig.fixtures import StartWorker
from rig.table import Table
from rig.waiting import eventually
from rowcrew import InvalidJob, enqueue, enqueue_many, get
from rowcrew.cli import main
from rowcrew.table.statements import SQL
from tests.bad_input.conftest import PAYLOAD_FILES
from tests.conftest import Connect
from tests.contract.hands import Connection, insert, job_in, one, read


@pytest.mark.parametrize("name", PAYLOAD_FILES)
def test_a_payload_file_that_is_no_json_object_is_refused_in_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    name: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    file = tmp_path / "payload.json"
    file.write_bytes(PAYLOAD_FILES[name])
    assert main(["enqueue", "greet", "--payload", f"@{file}"]) == 2
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert "payload" in printed.err
    assert "Traceback" not in printed.err
    assert len(printed.err) < 500


@pytest.mark.parametrize(
    "moment", ["2027-02-29T00:00:00Z", "9999-12-31T00:00:00Z", "1969-07-20T00:00:00Z", "soon"]
)
def test_a_moment_that_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, database_url: str, moment: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert main(["enqueue", "greet", "--run-at", moment]) == 2
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert "--run-at" in printed.err


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (r'{"a": "\u0000"}', psycopg.errors.UntranslatableCharacter),
        (r'{"a": "\ud800"}', psycopg.errors.InvalidTextRepresentation),
        ('{"a": NaN}', psycopg.errors.InvalidTextRepresentation),
        ("[" * 100_000, psycopg.errors.StatementTooComplex),
        ('{"a": 1} trailing', psycopg.errors.InvalidTextRepresentation),
        ("\ufeff{}", psycopg.errors.InvalidTextRepresentation),
        ("", psycopg.errors.InvalidTextRepresentation),
    ],
)
def test_postgresql_refuses_a_payload_that_is_no_json(
    connect: Connect, payload: str, error: type[psycopg.Error]
) -> None:
    with pytest.raises(error):
        insert(connect(), payload=payload)


def test_of_a_key_that_stands_twice_the_last_one_counts_as_in_jsonb(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    connect: Connect,
) -> None:
    twice = '{"a": 1, "a": 2}'
    by_sql = insert(connect(), payload=twice)
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert main(["enqueue", "greet", "--payload", twice, "--json"]) == 0
    by_command = json.loads(capsys.readouterr().out)["id"]
    assert read(connect(), by_sql, "payload") == read(connect(), by_command, "payload") == ({"a": 2},)


@pytest.mark.parametrize(
    "queue", ["../x", "Bad Queue", "q" * 65, "q'; DROP TABLE jobs; --", "ä", "q\u200b", "Q", " q"]
)
def test_a_queue_is_a_name_and_nothing_else(connect: Connect, queue: str) -> None:
    with pytest.raises(InvalidJob, match=r"^queue: "):
        enqueue("x", queue=queue, on=connect())
    with pytest.raises(psycopg.errors.CheckViolation, match="jobs_queue_name"):
        insert(connect(), queue=queue)


@pytest.mark.parametrize(
    "columns", [{"priority": 2**31}, {"maxAttempts": 10**9}, {"priority": 2**15}, {"timeoutSeconds": 2**31}]
)
def test_a_number_too_large_for_its_column_is_refused(connect: Connect, columns: dict[str, Any]) -> None:
    with pytest.raises(psycopg.errors.NumericValueOutOfRange):
        insert(connect(), **columns)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_attempts", 0),
        ("max_attempts", -1),
        ("max_attempts", 10**9),
        ("priority", 2**31),
        ("timeout_seconds", 0),
    ],
)
def test_a_number_out_of_range_is_refused_with_the_range(connect: Connect, option: str, value: int) -> None:
    with pytest.raises(InvalidJob, match=rf"^{option}: {value} .* from -?\d+ to \d+"):
        enqueue("x", on=connect(), **{option: value})


def test_one_bad_job_among_ten_thousand_stops_all_and_is_named(connect: Connect) -> None:
    jobs: list[dict[str, Any]] = [{"type": "x", "payload": {"n": n}} for n in range(10_001)]
    jobs[5_000]["max_attempts"] = 0
    with pytest.raises(InvalidJob, match=r"^jobs\[5000\]\.max_attempts: 0 must be"):
        enqueue_many(jobs, on=connect())
    assert one(connect(), "SELECT count(*) FROM jobs") == (0,)


@pytest.mark.parametrize("id", [2**63, -(2**63) - 1, 10**30, -1, 0])
def test_an_id_that_no_job_can_have_finds_no_job(connect: Connect, id: int) -> None:
    assert get(id, on=connect()) is None


@pytest.mark.parametrize("id", ["abc", "1e3", " 1", "", None, 1.5, True])
def test_what_is_no_id_is_named_before_any_database_is_asked(connect: Connect, id: Any) -> None:
    connection = connect()
    with pytest.raises(TypeError, match="id"):
        get(id, on=connection)
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_job_for_in_ten_years_is_taken_shown_as_delayed_and_left_alone(connect: Connect) -> None:
    connection = connect()
    enqueue("x", run_at=datetime.now(UTC) + timedelta(days=3_650), on=connection)
    assert one(connection, "SELECT ready, delayed FROM queue_depth") == (0, 1)
    probe = {"queues": ["default"], "priorities": [0], "floors": ["-infinity"], "floor_ids": [0]}
    asked = {"worker": 1, "types": ["x"], "room": 9, "only": None, **probe}
    reserve = connection.execute(SQL["worker/reserve"], asked)
    assert reserve.fetchall() == []


@pytest.mark.parametrize(("statement", "status"), [("cancel_job", "queued"), ("requeue_job", "failed")])
def test_of_two_who_control_a_job_at_once_one_is_told_that_it_did(
    connect: Connect, statement: str, status: str
) -> None:
    first, second, watching = connect(autocommit=False), connect(), connect()
    job = job_in(watching, status)
    assert _told(first, statement, job) == [(job,)]
    with ThreadPoolExecutor(max_workers=1) as threads:
        answer = threads.submit(_told, second, statement, job)
        eventually(lambda: _waits(watching, second.info.backend_pid))
        first.commit()
        assert answer.result(timeout=30) == []
    assert _told(second, statement, 999) == []


def _told(connection: Connection, statement: str, job: int) -> list[tuple[Any, ...]]:
    return connection.execute(SQL[f"operator/{statement}"], {"ids": [job]}).fetchall()


def _waits(watching: Connection, pid: int) -> bool:
    query = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
    return bool(one(watching, query, [pid])[0])


Fill = Callable[[Table], int]


def _huge(table: Table) -> int:
    """Past the client's limit, as plain SQL may write it: 30 MB."""
    return int(
        table.rows(
            """
            INSERT INTO jobs (type, payload)
            VALUES ('echo', jsonb_build_object('value', repeat('x', 30000000))) RETURNING id
            """
        )[0]["id"]
    )


def _deep(table: Table) -> int:
    return table.enqueue("echo", json.loads('{"value":' + "[" * 900 + "]" * 900 + "}"))


def _large_number(table: Table) -> int:
    """A whole number of 5,000 digits."""
    return int(
        table.rows(
            """
            INSERT INTO jobs (type, payload)
            VALUES ('strict', ('{"count": 1' || repeat('0', 5000) || '}')::jsonb) RETURNING id
            """
        )[0]["id"]
    )


@pytest.mark.parametrize("fill", [_huge, _deep, _large_number], ids=lambda fill: fill.__name__)
def test_a_payload_that_only_plain_sql_could_write_holds_up_nobody(
    start_worker: StartWorker, table: Table, fill: Fill
) -> None:
    odd = fill(table)
    neighbours = [table.enqueue("echo", {"value": n}) for n in range(20)]
    start_worker().ready()
    for job in neighbours:
        assert table.until(job, "completed")["attempts"] == 1
    eventually(lambda: _standing(table, odd)["status"] in ("completed", "failed"))
    assert _standing(table, odd)["crashes"] == 0


def _standing(table: Table, job: int) -> dict[str, Any]:
    (row,) = table.rows("SELECT status, crashes FROM jobs WHERE id = %s", job)
    return row
