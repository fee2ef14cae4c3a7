"""`rowcrew events`: what happened, who was told, and telling again; and what the doctor says of receivers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rig.table import Table
from rowcrew.cli import main
from rowcrew.table.statements import SQL
from tests.conftest import Connect

HOOK = "https://hooks.example.com/services/T0/very-secret-token"


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.fixture
def history(table: Table, connect: Connect) -> None:
    """One event of each state, by kind."""
    table.rows(
        """INSERT INTO event_receivers (name, via, target, kinds)
           VALUES ('ops', 'webhook', %s, '{job.failed,worker.lost,rained}'),
                  ('the-log', 'log', NULL, '{worker.lost}')""",
        HOOK,
    )
    for kind in ("job.failed", "worker.lost", "unheard.of", "rained"):
        table.rows("INSERT INTO events (kind, subject) VALUES (%s, 'a subject')", kind)
    connection = connect()
    connection.execute("SET enable_seqscan = off")
    connection.execute(SQL["events/merge"], {"merge_seconds": 60, "most": 10})
    table.rows(
        """UPDATE event_messages SET "failedAt" = now(), error = 'ops answers 500', attempts = 15
            WHERE kind = 'job.failed'"""
    )
    table.rows("""UPDATE event_messages SET "deliveredAt" = now() WHERE kind = 'worker.lost'""")
    table.rows("INSERT INTO events (kind) VALUES ('new')")


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    assert main(["events", *words, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.usefixtures("history")
def test_each_event_says_how_far_the_telling_has_come(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["kind"]: row for row in printed(capsys, "list")}
    assert {kind: row["state"] for kind, row in rows.items()} == {
        "job.failed": "failed",
        "worker.lost": "told",
        "unheard.of": "unheard",
        "rained": "waiting",
        "new": "waiting",
    }
    assert (rows["worker.lost"]["told"], rows["worker.lost"]["receivers"]) == (2, 2)
    assert rows["job.failed"]["error"] == "ops: ops answers 500"
    assert [row["kind"] for row in printed(capsys, "list", "--state", "failed")] == ["job.failed"]
    assert [row["kind"] for row in printed(capsys, "list", "--kind", "rained")] == ["rained"]
    assert [row["kind"] for row in printed(capsys, "list", "--limit", "1")] == ["new"]


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("command", ["list", "receivers"])
def test_what_people_see_fits_eighty_columns_and_hides_the_path_of_a_webhook(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["events", command]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) <= 80
    assert "token" not in "".join(lines)


@pytest.mark.usefixtures("history")
def test_receivers_say_what_waits_and_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    ops, log = printed(capsys, "receivers")
    assert (ops["name"], ops["waiting"], ops["failed"], ops["attempts"]) == ("ops", 1, 1, 15)
    assert (log["name"], log["waiting"], log["failed"], log["error"]) == ("the-log", 0, 0, None)


@pytest.mark.usefixtures("history")
def test_messages_are_told_again_under_the_same_ids(capsys: pytest.CaptureFixture[str], table: Table) -> None:
    before = {row["kind"]: row["id"] for row in printed(capsys, "list")}
    assert printed(capsys, "redeliver", "--failed") == [{"id": before["job.failed"], "receiver": "ops"}]
    (row,) = table.rows("SELECT * FROM event_messages WHERE kind = 'job.failed'")
    assert (row["attempts"], row["failedAt"], row["error"]) == (0, None, None)
    id = str(before["worker.lost"])
    assert len(printed(capsys, "redeliver", id)) == 2
    assert printed(capsys, "redeliver", id, "--receiver", "the-log") == [
        {"id": int(id), "receiver": "the-log"}
    ]
    assert main(["events", "redeliver", id]) == 0
    assert f"Message {id}: ops will be told again\n" in capsys.readouterr().out


@pytest.mark.usefixtures("history")
def test_what_nobody_was_told_cannot_be_told_again(capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = printed(capsys, "list", "--state", "unheard")
    assert main(["events", "redeliver", str(row["id"])]) == 1
    assert "`rowcrew events list` shows ids" in capsys.readouterr().err
    assert main(["events", "redeliver"]) == 2
    assert main(["events", "redeliver", "7", "--failed"]) == 2
    assert main(["events", "redeliver", "x"]) == 2
    assert "'x' is not an event id" in capsys.readouterr().err


def test_an_empty_installation_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "receivers"]) == 0
    assert "insert a row into event_receivers" in capsys.readouterr().err
    assert main(["events", "list"]) == 0
    assert "Nothing to tell has happened yet; `rowcrew events receivers`" in capsys.readouterr().err
    assert main(["events", "redeliver", "--failed"]) == 0
    assert "Nothing was given up" in capsys.readouterr().err


@pytest.mark.usefixtures("history")
def test_a_filter_that_nothing_passes_does_not_say_that_nothing_happened(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["events", "list", "--kind", "nothing.like.it"]) == 0
    assert capsys.readouterr().err.startswith("There is no such event; `rowcrew events list`")


def doctors_words(capsys: pytest.CaptureFixture[str]) -> list[str]:
    main(["doctor", "--json"])
    checks = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [check["what"] for check in checks if check["name"] == "events"]


@pytest.mark.usefixtures("history")
def test_the_doctor_names_a_receiver_that_keeps_failing_or_that_nobody_here_can_tell(
    capsys: pytest.CaptureFixture[str], table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.rows("INSERT INTO event_receivers (name, via, target) VALUES ('pager', 'command', 'page')")
    assert doctors_words(capsys) == [
        "a worker with this environment has no secret for the receiver ops, and does not tell it",
        "the receiver ops keeps failing, 1 waiting, 1 given up: ops answers 500",
        "a worker with this environment knows no program page, which pager names",
    ]
    monkeypatch.setenv("EVENT_SECRETS", "ops=whsec_" + "c2VjcmV0" * 4)
    monkeypatch.setenv("EVENT_COMMANDS", '{"page": ["page"]}')
    table.rows("DELETE FROM event_messages")
    assert doctors_words(capsys) == ["nothing went wrong with ops, pager, the-log"]


def test_the_doctor_names_a_receiver_from_its_first_failure_on(
    capsys: pytest.CaptureFixture[str], table: Table
) -> None:
    table.rows("INSERT INTO event_receivers (name, via) VALUES ('the-log', 'log')")
    table.rows("""
        INSERT INTO event_messages
               (id, receiver, count, kind, subject, queue, type, detail, "firstAt", "lastAt", attempts, error)
        VALUES (1, 'the-log', 1, 'shop.opened', '', '', '', '{}', now(), now(), 1, 'the log: is full')
    """)
    assert doctors_words(capsys) == ["the receiver the-log could not be told, 1 waiting: the log: is full"]


def test_the_doctor_does_not_speak_of_events_where_nobody_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctors_words(capsys) == []
