"""`rowcrew worker` and `worker.py`: what they say, what they take, how they end."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from rig.ports import free_port
from rig.programs import ROOT, ROWCREW, program, run
from rig.waiting import eventually
from tests.cli.conftest import CREW
from tests.conftest import Connect


def test_a_start_is_told_in_six_lines_and_an_idle_worker_leaves_on_sigterm(database_url: str) -> None:
    with program(*ROWCREW, "worker", CREW, DATABASE_URL=database_url, WORKER_ID="render-worker-1") as worker:
        worker.line("👥 Ready")
        assert worker.stop() == 0
    assert worker.lines[:6] == [
        "🚀 Rowcrew Python Worker started",
        "📊 Polling interval: 2 seconds",
        "⚙️  Worker concurrency: 4",
        "🆔 Worker ID: render-worker-1",
        "✅ Database connection successful",
        "🔍 Checking for stuck jobs...",
    ]


def test_options_win_over_the_environment(database_url: str, connect: Connect) -> None:
    queues = ("--queue", "a", "--queue", "b")
    options = ("--concurrency", "7", "--poll-interval", "0.5", "--name", "mine")
    with program(
        *(*ROWCREW, "worker", CREW, *queues, *options),
        DATABASE_URL=database_url,
        MAX_CONCURRENT_JOBS="2",
        POLL_INTERVAL="9",
        WORKER_QUEUES="c",
        APP_NAME="FinaPilot",
    ) as worker:
        worker.line("👥 Ready")
        row = connect().execute("SELECT name, queues, slots FROM workers").fetchone()
    assert row == ("mine", ["a", "b"], 7)
    assert worker.lines[:4] == [
        "🚀 FinaPilot Python Worker started",
        "📊 Polling interval: 0.5 seconds",
        "⚙️  Worker concurrency: 7",
        "🆔 Worker ID: mine",
    ]


def test_a_job_is_told_in_three_lines(database_url: str, connect: Connect) -> None:
    with program(*ROWCREW, "worker", CREW, DATABASE_URL=database_url) as worker:
        worker.line("👥 Ready")
        connect().execute("INSERT INTO jobs (id, type) VALUES (4711, 'step')")
        worker.line("✅ Job completed: 4711")
    told = [line for line in worker.lines if "4711" in line]
    assert told == [
        "📦 Reserved job: 4711 (type: step)",
        "⚙️  Processing job: 4711",
        "✅ Job completed: 4711",
    ]


def test_in_json_every_line_is_one_object_with_level_and_event(database_url: str, connect: Connect) -> None:
    with program(*ROWCREW, "worker", CREW, "--log-format", "json", DATABASE_URL=database_url) as worker:
        eventually(lambda: any('"worker.ready"' in line for line in worker.lines))
        connect().execute("INSERT INTO jobs (type, \"maxAttempts\") VALUES ('broken', 1)")
        eventually(lambda: any('"job.failed"' in line for line in worker.lines))
        assert worker.stop() == 0
    events = [json.loads(line) for line in worker.lines]
    assert [event["event"] for event in events[:6]] == [
        *("worker.starting", "worker.polling", "worker.slots", "worker.id"),
        *("database.connected", "rescue.checking"),
    ]
    assert {event["level"] for event in events if event["event"] == "job.failed"} == {"error"}
    assert {event["level"] for event in events if event["event"] == "worker.ready"} == {"info"}


def test_without_a_database_a_worker_says_why_without_the_password_and_exits_1() -> None:
    url = f"postgresql://boss:hunter2@127.0.0.1:{free_port()}/jobs"
    ended = run("worker", CREW, DATABASE_URL=url, DB_CONNECT_TIMEOUT="1")
    assert ended.returncode == 1
    first, second = ended.stdout.splitlines()[-2:]
    assert first == "❌ Failed to connect to database"
    assert second.startswith("❌ ")
    assert "refused" in second
    assert "hunter2" not in ended.stdout + ended.stderr


def test_a_crew_that_cannot_be_loaded_is_named_and_exits_1(database_url: str) -> None:
    ended = run("worker", "nowhere:crew", DATABASE_URL=database_url)
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[-1].startswith("❌ Worker failed to start: ")
    assert "nowhere" in ended.stdout


def test_every_wrong_setting_and_option_is_named_at_once() -> None:
    ended = run("worker", "--queue", "No Queue", "--runners", "0", POLL_INTERVAL="soon", SHUTDOWN_GRACE="-1")
    assert ended.returncode == 2
    assert ended.stdout == ""
    complaints = ended.stderr.splitlines()
    assert len(complaints) == 4
    for name in ("POLL_INTERVAL='soon'", "SHUTDOWN_GRACE='-1'", "--queue 'No Queue'", "--runners '0'"):
        assert any(complaint.startswith(f"rowcrew: {name}: ") for complaint in complaints)


@pytest.mark.parametrize(
    ("directory", "script"), [(".", "python-worker/worker.py"), ("python-worker", "worker.py")]
)
def test_the_front_door_serves_the_bundled_types_from_both_directories(
    database_url: str, connect: Connect, directory: str, script: str
) -> None:
    command = (sys.executable, script, "--queue", "quiet")
    with program(*command, cwd=ROOT / directory, DATABASE_URL=database_url) as worker:
        worker.line("👥 Ready")
        row = connect().execute("SELECT queues, types FROM workers").fetchone()
        assert worker.stop() == 0
    assert row is not None
    assert row[0] == ["quiet"]
    assert {"csv_import", "monte_carlo"} <= set(row[1])


def test_modules_of_the_environment_join_the_bundled_types(database_url: str, connect: Connect) -> None:
    with program(*ROWCREW, "worker", DATABASE_URL=database_url, ROWCREW_MODULES=CREW) as worker:
        worker.line("👥 Ready")
        (types,) = connect().execute("SELECT types FROM workers").fetchone() or ([],)
    assert {"csv_import", "greet"} <= set(types)


def test_a_worker_of_demo_or_dev_dies_with_the_process_that_started_it(
    database_url: str, tmp_path: Path
) -> None:
    script = (
        "import sys; from rowcrew.cli.local import start_worker\n"
        f"worker = start_worker(['{CREW}'])\n"
        "print(worker.pid, flush=True)\n"
        "worker.wait()"
    )
    with program(sys.executable, "-c", script, DATABASE_URL=database_url) as parent:
        parent.line("👥 Ready")
        pid = int(next(line for line in parent.lines if line.isdigit()))
        assert _exists(pid)
        parent.process.kill()
        eventually(lambda: not _exists(pid))


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
