"""`rowcrew queues list`: how the queues stand."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from rig.staging import past_triggers
from rowcrew.cli import main
from rowcrew.cli.queue_options import Wanted
from rowcrew.model.histogram import bucket_of
from tests.conftest import Connect
from tests.contract.hands import STATUSES, Connection, insert, job_in, one, register_worker, reserve


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert main(["queues", "list", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {row["queue"]: row for row in rows}


def test_a_limit_is_told_beside_the_live_workers(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect()
    connection.execute("""INSERT INTO queues (queue, "maxConcurrent") VALUES ('reports', 3)""")
    for _ in range(2):
        register_worker(connection, queues=["reports", "mails"])
    assert (listed(capsys)["reports"]["workers"], listed(capsys)["reports"]["workersAllowed"]) == (2, 3)
    assert listed(capsys)["mails"]["workersAllowed"] is None
    assert main(["queues", "list"]) == 0
    head, mails, reports = (line.split() for line in capsys.readouterr().out.splitlines())
    told = head.index("workers")
    assert (reports[told - 1], mails[told - 1]) == ("2/3", "2")  # neither has an oldest job


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


def count(connection: Connection, outcome: str, count: int, ago: str = "1 min", **columns: Any) -> None:
    """Runs as a worker counts them: each waited 2 s and took half a second."""
    values = {
        "queue": "default",
        "type": "test",
        "runBuckets": [bucket_of(0.5)],
        "waitBuckets": [bucket_of(2.0)],
        "memoryBytes": 90 << 20,
        **columns,
        "outcome": outcome,
        "count": count,
        "runSeconds": 0.5 * count,
        "waitSeconds": 2.0 * count,
        "runCounts": [count],
        "waitCounts": [count],
    }
    names = ", ".join(f'"{name}"' for name in values)
    places = ", ".join(f"%({name})s" for name in values)
    connection.execute(
        f'INSERT INTO job_stats ("endsAt", seconds, "workerId", {names})'
        f" VALUES (clock_timestamp() - %(ago)s::interval, 60, 1, {places})".encode(),
        {**values, "ago": ago},
    )


def test_a_queue_shows_what_stands_there_how_its_jobs_do_and_when_it_is_drained(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect()
    register_worker(connection, queues=["costs"], slots=4)
    for _ in range(12):
        insert(connection, queue="costs")
    insert(connection, queue="costs", runAt="2199-01-01")
    job_in(connection, "processing", queue="costs")
    count(connection, "completed", 27, queue="costs")
    count(connection, "retried", 10, queue="costs")
    count(connection, "failed", 3, queue="costs")
    count(connection, "released", 100, queue="costs")
    count(connection, "completed", 60, "2 h", queue="costs")
    count(connection, "completed", 1000, queue="other")
    assert main(["queues", "show", "costs", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["ready"], shown["delayed"], shown["processing"]) == (12, 1, 1)
    assert (shown["workers"], shown["slots"], shown["slotsTaken"]) == (1, 4, 0)
    assert shown["drainSeconds"] == pytest.approx(12 / (30 / 5) * 60)
    recent, hour, day = shown["within"]
    assert (recent["completed"], recent["failed"], recent["runs"], recent["errors"]) == (27, 3, 40, 13)
    assert (recent["errorShare"], recent["endedPerMinute"]) == (13 / 40, 6.0)
    assert (hour["completed"], day["completed"]) == (27, 87)
    assert recent["runMeanSeconds"] == pytest.approx(0.5)
    assert recent["runP95Seconds"] == pytest.approx(0.5, rel=0.05)
    assert recent["waitP95Seconds"] == pytest.approx(2.0, rel=0.05)
    assert recent["memoryBytes"] == 90 << 20


def test_a_shown_queue_fits_eighty_columns(
    connect: Connect, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    connection = connect()
    name = "a-queue-whose-name-is-as-long-as-any-may-be-" + 19 * "x"
    insert(connection, queue=name)
    count(connection, "completed", 12_345_678, queue=name, memoryBytes=123_456 << 20)
    count(connection, "failed", 1_234_567, queue=name, runBuckets=[bucket_of(86_400 * 13)])
    assert main(["queues", "show", name]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80, "\n".join(lines)
    head = "within completed failed errors per min wait p95 run mean run p95 MiB"
    assert lines[-4].split() == head.split()


def test_a_queue_without_a_present_rate_is_never_drained_and_a_paused_one_neither(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect()
    insert(connection)
    assert main(["queues", "show", "default"]) == 0
    shown = capsys.readouterr().out
    assert "never: no end of the last five minutes is counted yet" in shown
    assert shown.endswith("\nWorkers count once a minute, so the latest ends may be missing.\n")
    count(connection, "completed", 50)
    assert main(["queues", "pause", "default"]) == 0
    assert main(["queues", "show", "default"]) == 0
    assert "never: it is paused" in capsys.readouterr().out


def test_a_queue_that_nobody_has_named_is_refused(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queues", "show", "cots"]) == 1
    assert "nobody has named a queue 'cots'; see `rowcrew queues list`\n" in capsys.readouterr().err
    connect().execute("INSERT INTO queues (queue) VALUES ('costs')")
    assert main(["queues", "show", "cots"]) == 1
    assert "; did you mean 'costs'?" in capsys.readouterr().err


def test_the_list_tells_how_many_jobs_end_in_a_minute(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    insert(connect())
    insert(connect(), queue="idle")
    count(connect(), "completed", 30)
    rows = listed(capsys)
    assert (rows["default"]["endedPerMinute"], rows["idle"]["endedPerMinute"]) == (6.0, 0.0)


def row_of(connect: Connect, queue: str) -> dict[str, Any]:
    found = connect().execute("SELECT to_jsonb(q) FROM queues q WHERE queue = %s", [queue]).fetchone()
    assert found is not None
    return dict(found[0])


def test_every_column_of_a_queue_can_be_set_and_taken_away(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    names = connect().execute("SELECT * FROM queues").description or ()
    unset = {"queue", "createdAt", "limited", "limitedAt", "paused", "until", "former", "spawnedAt"}
    settable = {column.name for column in names} - unset
    texts = {"launcher": "process", "launchCommand": "fleet"}
    words = ["--launcher", "process", "--launch-command", "fleet"]
    for field in dataclasses.fields(Wanted):
        if field.name not in ("label", "launcher", "launch_command", "seconds"):
            words += [f"--{field.name.replace('_', '-')}", "7"]
    assert main(["queues", "set", "q", "--label", "Q", *words]) == 0
    row = row_of(connect, "q")
    assert {name: row[name] for name in settable} == {**dict.fromkeys(settable, 7), **texts, "label": "Q"}
    assert "maxConcurrent 7" in capsys.readouterr().out
    assert (
        main(
            ["queues", "set", "q", *["none" if word in ("7", "process", "fleet") else word for word in words]]
        )
        == 0
    )
    row = row_of(connect, "q")
    assert {row[name] for name in settable - {"label"}} == {None, 0, 1}
    assert (row["ratePeriodSeconds"], row["cooldownSeconds"], row["label"]) == (1, 0, "Q")


def test_what_is_not_named_stays_as_it_is(connect: Connect) -> None:
    assert main(["queues", "set", "q", "--max-concurrent", "3", "--timeout", "60"]) == 0
    assert main(["queues", "set", "q", "--max-concurrent", "0"]) == 0
    row = row_of(connect, "q")
    assert (row["maxConcurrent"], row["timeoutSeconds"], row["maxConcurrentPerKey"]) == (0, 60, None)


def test_all_that_cannot_be_set_is_told_at_once_with_what_to_give_instead(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ["--max-concurrent", "many", "--rate-period", "0", "--timeout", "0", "--cooldown", "99999999999"]
    assert main(["queues", "set", "q", *wrong]) == 2
    assert capsys.readouterr().err == (
        "rowcrew: --max-concurrent 'many': \"maxConcurrent\" takes a whole number from 0 up, or none;"
        " --rate-period '0': \"ratePeriodSeconds\" takes a whole number from 1 to 2592000, or none;"
        " --timeout '0': \"timeoutSeconds\" takes a whole number from 1 up, or none;"
        " --cooldown '99999999999': \"cooldownSeconds\" takes a whole number from 0 up, or none\n"
    )
    assert connect().execute("SELECT FROM queues").fetchall() == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["set", "q"], "name what to set"),
        (["set", "Q", "--timeout", "3"], "a queue name is 1 to 63"),
        (["pause", "no such"], "a queue name is 1 to 63"),
        (["pause", "q", "--for", "2h"], "give a whole number of seconds"),
        (["pause", "q", "--for", "0"], "give a whole number of seconds"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(
    connect: Connect, capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    assert main(["queues", *words]) == 2
    assert complaint in capsys.readouterr().err
    assert connect().execute("SELECT FROM queues").fetchall() == []


def test_a_paused_queue_is_resumed(connect: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    insert(connect(), queue="mails")
    assert main(["queues", "pause", "mails"]) == 0
    assert row_of(connect, "mails")["limited"] is True
    assert main(["queues", "resume", "mails"]) == 0
    assert row_of(connect, "mails")["limited"] is False
    assert capsys.readouterr().out == "Queue mails: paused\nQueue mails: no limits\n"


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_a_mistyped_queue_is_neither_paused_nor_resumed_and_the_one_that_was_meant_is_named(
    connect: Connect, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    insert(connect(), queue="reports")
    assert main(["queues", command, "reprots"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("rowcrew: nothing was changed: nobody has named a queue 'reprots' yet")
    assert told.endswith("did you mean 'reports'?\n")
    assert connect().execute("SELECT FROM queues").fetchall() == []


@pytest.mark.parametrize(
    "named",
    [
        """INSERT INTO job_types (type, queue) VALUES ('mail', 'mails')""",
        """INSERT INTO schedules (name, type, queue, "everySeconds") VALUES ('mail', 'mail', 'mails', 60)""",
        """INSERT INTO job_stats ("endsAt", seconds, "workerId", queue, type, outcome, count)
           VALUES (now() - interval '399 days', 60, 1, 'mails', 'mail', 'completed', 1)""",
    ],
)
def test_a_queue_without_jobs_is_paused_by_the_name_that_types_schedules_or_past_runs_have(
    connect: Connect, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    connect().execute(named)
    assert main(["queues", "pause", "mails"]) == 0
    assert capsys.readouterr() == ("Queue mails: paused\n", "")


def test_a_queue_that_is_to_come_is_paused_when_asked_for_and_a_limit_of_one_says_that_it_is_new(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queues", "pause", "mails", "--new"]) == 0
    assert main(["queues", "set", "mials", "--max-concurrent", "3"]) == 0
    told = "rowcrew: nobody had named a queue {!r} before{}\n"
    assert capsys.readouterr().err == told.format("mails", "") + told.format(
        "mials", "; did you mean 'mails'?"
    )
    assert (row_of(connect, "mails")["paused"], row_of(connect, "mials")["maxConcurrent"]) == (True, 3)
    assert main(["queues", "set", "mials", "--max-concurrent", "4"]) == 0
    assert capsys.readouterr().err == ""


def test_a_limit_for_a_time_remembers_what_stood_there_before(connect: Connect) -> None:
    assert main(["queues", "set", "q", "--max-concurrent", "3"]) == 0
    assert main(["queues", "set", "q", "--max-concurrent", "5", "--for", "7200"]) == 0
    row = row_of(connect, "q")
    assert (row["maxConcurrent"], row["former"]) == (5, {"maxConcurrent": 3})
    assert one(connect(), "SELECT until - now() BETWEEN '1:59' AND '2:00' FROM queues") == (True,)


def test_a_type_shows_how_its_jobs_do_in_all_queues(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect()
    connection.execute("INSERT INTO job_types (type) VALUES ('test')")
    count(connection, "completed", 9)
    count(connection, "retried", 1, queue="other", memoryBytes=120 << 20)
    count(connection, "completed", 500, type="another")
    assert main(["types", "show", "test", "--json"]) == 0
    recent = json.loads(capsys.readouterr().out)["within"][0]
    assert (recent["runs"], recent["errorShare"], recent["memoryBytes"]) == (10, 0.1, 120 << 20)
    assert main(["types", "show", "test"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[-1] == "120"
