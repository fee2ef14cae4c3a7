"""`rowcrew migrate`, `rowcrew prune`, `rowcrew healthcheck`; what any start of `rowcrew` needs and costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rig.ports import free_port
from rig.programs import ROOT, ROWCREW, clean_environment, program, run
from rowcrew.cli import main
from tests.cli.conftest import CREW
from tests.conftest import Connect

NOWHERE_TO_WRITE = """
import sys, tempfile
tempfile._candidate_tempdir_list = list
from rowcrew.cli import main
sys.exit(main())
"""
HEAVY = ("psycopg", "sqlalchemy", "alembic", "structlog", "boto3", "numpy", "asyncio", "rich.markdown")


def test_migrate_makes_the_tables_and_does_nothing_the_second_time(empty_url: str) -> None:
    before = run("jobs", "list", DATABASE_URL=empty_url)
    assert (before.returncode, "run `rowcrew migrate`" in before.stderr) == (1, True)
    first = run("migrate", "--json", DATABASE_URL=empty_url)
    again = run("migrate", DATABASE_URL=empty_url)
    assert (first.returncode, again.returncode) == (0, 0)
    revision = json.loads(first.stdout)["revision"]
    assert again.stdout == f"The tables are up to date (revision {revision}).\n"
    assert run("jobs", "list", DATABASE_URL=empty_url).returncode == 0


def test_migrate_without_a_database_exits_1_and_keeps_the_password() -> None:
    ended = run("migrate", DATABASE_URL=f"postgresql://boss:hunter2@127.0.0.1:{free_port()}/jobs")
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "hunter2" not in ended.stderr


def test_prune_deletes_what_is_past_its_time_and_nothing_else(database_url: str, connect: Connect) -> None:
    connect().execute(
        """INSERT INTO jobs (type, status, "finishedAt") VALUES
           ('x', 'completed', now() - interval '8 days'), ('x', 'completed', now()),
           ('x', 'failed', now() - interval '8 days')"""
    )
    ended = run("prune", "--json", DATABASE_URL=database_url)
    assert (ended.returncode, json.loads(ended.stdout)) == (0, {"deleted": 1, "emptiedResults": 0})
    assert connect().execute("SELECT count(*) FROM jobs").fetchone() == (2,)
    assert run("prune", DATABASE_URL=database_url, FAILED_JOB_TTL="1h").stdout == "Deleted 1 job.\n"


def test_healthcheck_is_0_while_a_worker_lives_and_1_after_its_end(database_url: str, tmp_path: Path) -> None:
    place = str(tmp_path)
    assert run("healthcheck", TMPDIR=place).returncode == 1
    for end in ("kill", "terminate"):
        with program(*ROWCREW, "worker", CREW, DATABASE_URL=database_url, TMPDIR=place) as worker:
            worker.line("👥 Ready")
            healthy = run("healthcheck", "--json", TMPDIR=place)
            assert healthy.returncode == 0
            assert json.loads(healthy.stdout)["live"]
            assert run("healthcheck", "--pid", str(worker.process.pid), TMPDIR=place).returncode == 0
            assert run("healthcheck", "--pid", "1", TMPDIR=place).returncode == 1
            getattr(worker.process, end)()
            worker.ended()
        dead = run("healthcheck", TMPDIR=place)
        assert dead.returncode == 1
        assert "no live worker" in dead.stderr
        for file in tmp_path.rglob("worker-*"):
            file.unlink()


def test_a_worker_works_where_no_directory_can_be_written_to(database_url: str) -> None:
    """As in a container whose root is read-only and that has no volume at /tmp."""
    rowcrew = (sys.executable, "-c", NOWHERE_TO_WRITE)
    with program(*rowcrew, "worker", CREW, DATABASE_URL=database_url) as worker:
        worker.line("👥 Ready")
        assert run("enqueue", "step", "--wait", DATABASE_URL=database_url).returncode == 0
        with program(*rowcrew, "healthcheck") as healthcheck:
            remedy = healthcheck.line("rowcrew: ")
            assert healthcheck.ended() == 1
        assert "No usable temporary directory" in remedy
        assert "mount a directory at /tmp" in remedy
        worker.process.terminate()
        assert worker.ended() == 0


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_worker_started_with_closed_standard_streams_works(database_url: str, closed: str) -> None:
    command = f'exec "$@" {closed}'
    with program("sh", "-c", command, "sh", *ROWCREW, "worker", CREW, DATABASE_URL=database_url) as worker:
        assert run("enqueue", "step", "--wait", DATABASE_URL=database_url).returncode == 0
        assert worker.stop() == 0


def test_a_command_with_closed_standard_streams_does_its_work(database_url: str) -> None:
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *ROWCREW, "enqueue", "step"]
    ended = subprocess.run(command, env=clean_environment(DATABASE_URL=database_url), cwd=ROOT)
    assert ended.returncode == 0
    assert json.loads(run("jobs", "list", "--json", DATABASE_URL=database_url).stdout)["type"] == "step"


@pytest.mark.parametrize("command", ["--help", "jobs list"])
def test_output_that_cannot_be_written_is_one_sentence(database_url: str, command: str) -> None:
    run("enqueue", "step", DATABASE_URL=database_url)
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*ROWCREW, *command.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(DATABASE_URL=database_url),
            cwd=ROOT,
        )
    said = "rowcrew: No space left on device\n"
    assert (ended.returncode, ended.stderr) == (1, said)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_letters_that_the_output_cannot_hold_are_written_as_json_writes_them(
    database_url: str, encoding: str
) -> None:
    payload = '{"text": "é ✅ 😀"}'
    run("enqueue", "step", payload, DATABASE_URL=database_url)
    narrow: dict[str, Any] = {"DATABASE_URL": database_url, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    ended = subprocess.run(
        [*ROWCREW, "jobs", "show", "1", "--json"],
        stdout=subprocess.PIPE,
        env=clean_environment(**narrow),
        cwd=ROOT,
    )
    assert json.loads(ended.stdout.decode(encoding))["payload"] == json.loads(payload)
    told = run("doctor", **narrow)
    assert (told.returncode, told.stderr) == (0, "")
    assert "\\u2705 server" in told.stdout


@pytest.mark.parametrize("command", ["--help", "healthcheck", "--version"])
def test_help_and_healthcheck_import_nothing_heavy(command: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "rowcrew.cli", command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=clean_environment(TMPDIR=str(tmp_path)),
    )
    imported = {
        line.rpartition("|")[2].strip()
        for line in ended.stderr.splitlines()
        if line.startswith("import time")
    }
    assert "cyclopts" in imported
    assert sorted(name for name in imported if name in HEAVY) == []


@pytest.mark.parametrize("command", ["demo", "dev", "worker", "queues set"])
def test_long_lines_of_help_hang_below_their_beginning(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*command.split(), "--help"]) == 0
    lines = capsys.readouterr().out.partition("Parameters:")[2].splitlines()
    assert any(line.startswith("      ") for line in lines)
    assert all(line == "" or line.startswith("  ") for line in lines)
    assert max(map(len, lines)) <= 80


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for command in ("demo", "dev", "worker", "migrate", "enqueue", "jobs", "types", "healthcheck", "prune"):
        assert f"\n  {command}: " in text
        assert main([command, "--help"]) == 0
        assert capsys.readouterr().out.startswith(f"Usage: rowcrew {command}")
    assert "Exit codes: 0 done, 1 failed" in text


def test_a_reader_that_leaves_early_is_no_error(database_url: str, connect: Connect) -> None:
    connect().execute("INSERT INTO jobs (type) SELECT repeat('x', 200) FROM generate_series(1, 2000)")
    command = (
        f"'{sys.executable}' -m rowcrew.cli jobs list --limit 2000 --json | head -1; echo ${{PIPESTATUS[0]}}"
    )
    ended = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=clean_environment(DATABASE_URL=database_url),
    )
    assert ended.stdout.splitlines()[1:] == ["0"]
    assert ended.stderr == ""
