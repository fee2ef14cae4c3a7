"""`rowcrew cost`: hours of workers and of jobs, from rows that are there."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from rowcrew.cli import main
from tests.conftest import Connect
from tests.contract.hands import Connection, insert


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.fixture
def connection(connect: Connect) -> Connection:
    return connect()


def worker(connection: Connection, queues: list[str], began: str, **ends: str) -> None:
    """A worker that began so long ago, and stopped, was lost or was last heard as long ago as `ends` says."""
    values = {"stoppedAt": None, "lostAt": None, "heartbeatAt": "0", **ends}
    connection.execute(
        """
        INSERT INTO workers ("bootId", queues, "startedAt", "stoppedAt", "lostAt", "heartbeatAt")
        SELECT gen_random_uuid(), %s, now() - %s::interval, now() - %s::interval, now() - %s::interval,
               now() - %s::interval
        """,
        (queues, began, values["stoppedAt"], values["lostAt"], values["heartbeatAt"]),
    )


def an_older_worker(connection: Connection) -> None:
    """The first of all, which has left: the days since are days of this installation."""
    worker(connection, [], "9 days", stoppedAt="8 days")


def counted(connection: Connection, queue: str, type: str, outcome: str, count: int, seconds: float) -> None:
    connection.execute(
        """
        INSERT INTO job_stats ("endsAt", seconds, "workerId", queue, type, outcome, count, "runSeconds")
        VALUES (now() - interval '10 minutes', 60, 1, %s, %s, %s, %s, %s)
        """,
        (queue, type, outcome, count, seconds),
    )


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["cost", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_worker_costs_from_its_start_to_its_stop_idle_or_not(
    connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    worker(connection, ["ai"], "5 hours", stoppedAt="3 hours")
    worker(connection, ["ai"], "2 hours", lostAt="10 minutes", heartbeatAt="1 hour")
    worker(connection, ["ai", "upload"], "9 days", stoppedAt="5 days")
    worker(connection, [], "9 days", stoppedAt="8 days")
    worker(connection, ["upload"], "30 minutes")
    counted(connection, "ai", "report", "completed", 10, 1_800.0)
    counted(connection, "ai", "report", "failed", 1, 900.0)
    found = told(capsys, "--rate", "0.5")
    hours = {one["queue"]: (one["workers"], round(one["workerSeconds"] / 3600, 2)) for one in found["queues"]}
    assert hours == {None: (1, 48.0), "ai": (2, 3.0), "upload": (1, 0.5)}
    assert {one["queue"]: one["jobSeconds"] for one in found["queues"]}["ai"] == 2_700.0
    assert round(found["dollars"], 2) == 25.75
    assert found["alwaysOn"] == {"workers": 3, "hours": 2_160, "dollars": 1_080.0}


def test_a_time_cuts_off_what_was_before_it(
    connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    worker(connection, ["ai"], "3 days")
    found = told(capsys, "--days", "0.5", "--workers", "1")
    assert round(found["workerSeconds"]) == 43_200
    assert round(found["savedPercent"], 6) == 0


def test_days_before_the_first_worker_are_not_reckoned(
    connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else a month would cost a seventh of what it does, a day after the installation."""
    worker(connection, ["ai"], "24 hours")
    found = told(capsys, "--workers", "1")
    assert (found["days"], round(found["daysReckoned"], 3), round(found["savedPercent"], 1)) == (7, 1, 0)
    assert main(["cost", "--workers", "1", "--compare"]) == 0
    lines = capsys.readouterr().out.splitlines()
    since = datetime.fromisoformat(found["firstWorkerAt"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert lines[0] == f"The last 7 days; the first worker started {since}, and figures are of the 1 d since"
    assert lines[-1].startswith("As it ran: 720.0 h in 30 days = $7.20, ")


def test_where_the_first_worker_is_forgotten_every_day_counts(
    connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    an_older_worker(connection)
    worker(connection, ["ai"], "24 hours")
    connection.execute("""DELETE FROM workers WHERE "stoppedAt" < now() - interval '7 days'""")
    found = told(capsys)
    assert (found["firstWorkerAt"], found["daysReckoned"]) == (None, 7)
    assert main(["cost"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "The last 7 days"


def test_people_read_a_table_and_two_figures(
    connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    an_older_worker(connection)
    worker(connection, ["ai"], "3 hours", stoppedAt="2 hours")
    assert main(["cost", "--days", "1", "--compare"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "The last day"
    assert [line.split() for line in lines[2:4]] == [
        ["ai", "1", "1.00", "0.00", "$0.010"],
        ["all", "1", "1.00", "0.00", "$0.010"],
    ]
    assert lines[-2:] == [
        "Always on: 3 workers × 24 h × 30 days = 2,160 h = $21.60",
        "As it ran: 30.0 h in 30 days = $0.300, 98.6 % saved",
    ]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (10, "As it ran: 8.3 h in 30 days = $0.083, 99.6 % saved"),
        (43, "As it ran: 35.8 h in 30 days = $0.358, 98.3 % saved"),  # with a start, and 30 idle seconds
    ],
)
def test_a_hundred_jobs_a_day_are_little_beside_three_workers(
    connection: Connection, capsys: pytest.CaptureFixture[str], seconds: int, told: str
) -> None:
    an_older_worker(connection)
    for _ in range(100):
        worker(connection, ["ai"], f"{3600 + seconds} seconds", stoppedAt="1 hour")
    assert main(["cost", "--days", "1", "--compare", "--rate", "0.01"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == told


def test_a_backlog_is_reckoned_by_what_completed_runs_have_taken(
    connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        insert(connection, type="report", queue="ai")
    insert(connection, type="report", queue="other")
    insert(connection, type="new", queue="ai")
    counted(connection, "ai", "report", "completed", 4, 7_200.0)
    counted(connection, "ai", "report", "retried", 9, 1.0)
    found = told(capsys, "forecast", "--slots", "1", "--queue", "ai", "--rate", "2")
    assert (found["jobs"], found["workerSeconds"], found["unknown"], found["dollars"]) == (3, 5_400.0, 1, 3.0)
    assert main(["cost", "forecast", "--slots", "1", "--rate", "0.04"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "This backlog needs 2.0 worker-hours, about $0.080 (4 jobs)",
        "Not reckoned: 1 job of types that nobody has timed yet: new",
    ]


def test_what_makes_no_sense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--days", "30"]) == 2
    assert "--days" in capsys.readouterr().err
    assert main(["cost", "--rate", "-1"]) == 2
