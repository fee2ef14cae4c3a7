"""`rowcrew monitor --once`: one frame as plain text, or one document."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from rig.programs import run
from rowcrew.cli import main
from rowcrew.model.terminal_text import width
from tests.conftest import Connect
from tests.contract.hands import insert, register_worker
from tests.monitor.conftest import Connection


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "80")


def told(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["monitor", "--once"]) == 0
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["monitor", "--once", "--json"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_frame_begins_with_the_sentence_and_has_queues_workers_and_jobs(
    lively: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(capsys)
    first, totals, _, header, *_ = text.splitlines()
    assert first == "1 of 4 queues is behind; nothing serves `pdf`; `mail` is paused."
    assert totals == "4 ready · 1 at work · 2 workers, 6 slots · CPU 70 % · 300 MiB"
    assert header.split()[:3] == ["queue", "stands", "ready"]
    rows = re.findall(r"^(\w+) +[◆‖▲=·] (unserved|paused|behind|on pace|idle) ", text, re.MULTILINE)
    assert rows == [("pdf", "unserved"), ("ai", "behind"), ("mail", "paused"), ("reports", "on pace")]
    assert re.search(r"^alpha +● live .* 1/4 +50 % +200 MiB", text, re.MULTILINE)
    assert re.search(r"^beta +◑ draining", text, re.MULTILINE)
    assert re.search(r"^ *5 +◐ processing +report +reports .* 5/10 Pr", text, re.MULTILINE)


@pytest.mark.parametrize("columns", [40, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(
    lively: Connection, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    insert(lively, id=8, queue="q" * 60, type="t" * 60)
    register_worker(lively, name="名" * 40, queues=["ai", "q" * 60])
    monkeypatch.setenv("COLUMNS", str(columns))
    assert max(map(width, told(capsys).splitlines())) <= columns


def test_the_document_agrees_with_the_table(lively: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys)
    ready = {row[0]: row[1] for row in lively.execute("SELECT queue, ready FROM queue_depth").fetchall()}
    assert {queue["queue"]: queue["ready"] for queue in found["queues"] if queue["queue"] in ready} == ready
    assert {queue["queue"]: queue["workers"] for queue in found["queues"]} == {
        "ai": 1,
        "mail": 1,
        "reports": 1,
        "pdf": 0,
    }
    assert {worker["name"]: worker["state"] for worker in found["workers"]} == {
        "alpha": "live",
        "beta": "draining",
    }
    assert [job["id"] for job in found["jobs"]] == [7, 6, 5, 4, 3, 2, 1]
    assert (found["cpuPercent"], found["memoryBytes"]) == (70, 300 * 2**20)
    assert found["sentence"].startswith("1 of 4 queues")
    assert found["at"].endswith("Z")
    [ai] = [queue for queue in found["queues"] if queue["queue"] == "ai"]
    assert (ai["stands"], ai["endedPerMinute"], ai["failed"], ai["drainSeconds"]) == ("behind", 2.0, 3, 60.0)


def test_an_empty_database_has_a_frame_too(connect: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys).splitlines()[0] == "There are no jobs yet, and no workers."
    assert document(capsys)["queues"] == []


def test_a_frame_in_a_pipe_fits_eighty_columns_without_colours(lively: Connection, database_url: str) -> None:
    ended = run("monitor", "--once", DATABASE_URL=database_url)
    assert ended.returncode == 0, ended.stderr
    assert "\x1b" not in ended.stdout
    assert max(map(width, ended.stdout.splitlines())) <= 80


def test_a_frame_needs_no_textual(lively: Connection) -> None:
    program = (
        "import sys; sys.modules['textual'] = sys.modules['rich'] = None\n"
        "from rowcrew.cli import main; sys.exit(main(['monitor', '--once']))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_control_characters_of_a_row_reach_no_terminal(
    lively: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    register_worker(lively, name="evil\x1b[2J\x07name")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", told(capsys))


def test_a_database_that_is_gone_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    assert main(["monitor", "--once"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "127.0.0.1:1" in told
    assert "secret" not in told


def test_a_locked_table_is_not_waited_for(lively: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    lively.execute("BEGIN; LOCK TABLE jobs")
    assert main(["monitor", "--once"]) == 1
    lively.execute("ROLLBACK")
    assert "statement timeout" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--json"], []])
def test_without_once_it_wants_a_terminal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", *arguments]) == 2
    assert "--once" in capsys.readouterr().err
