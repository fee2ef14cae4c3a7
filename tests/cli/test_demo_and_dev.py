"""`rowcrew demo` and `rowcrew dev`, from the first line to the last process."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from rig.ports import free_port
from rig.programs import ROWCREW, program, run
from rig.waiting import eventually
from rig.worker_process import is_gone
from rowcrew.cli.demo_shutdown import was_not_begun
from rowcrew.cli.stage import verdict

# Servers and workers start here one after the other; on a machine with much else to do that takes minutes.
pytestmark = pytest.mark.timeout(300)

HANDLERS = """
from rowcrew import Crew

crew = Crew()


@crew.job("answer")
async def answer() -> int:
    return {answer}
"""


def test_the_demo_keeps_its_promises_and_leaves_nothing_but_its_documents(
    tmp_path: Path, open_directory: Path
) -> None:
    documents = tmp_path / "documents"
    ended = run("demo", "--output", str(documents), seconds=280, TMPDIR=str(open_directory))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    promises = [line for line in ended.stdout.splitlines() if line.startswith(("  ✔", "  ✘"))]
    assert len(promises) == 7
    assert all(line.startswith("  ✔") for line in promises)
    assert 'SELECT id, type, status, "createdAt", "updatedAt" FROM jobs' in ended.stdout
    assert list(open_directory.glob("rowcrew-*/*")) == []
    assert (documents / "model.pdf").read_bytes().startswith(b"%PDF")
    assert (documents / "model.pptx").read_bytes().startswith(b"PK")


def test_a_killed_demo_leaves_neither_processes_nor_data(open_directory: Path) -> None:
    with program(*ROWCREW, "demo", "--output", str(open_directory), TMPDIR=str(open_directory)) as demo:
        demo.line("  worker │ 👥 Ready")
        family = psutil.Process(demo.process.pid).children(recursive=True)
        assert family
        demo.process.kill()
        eventually(lambda: all(is_gone(one.pid) for one in family))
    eventually(lambda: not list(open_directory.glob("rowcrew-*/data")))


def test_the_demo_of_a_shutdown_keeps_its_promises_on_eighty_columns(open_directory: Path) -> None:
    ended = run("demo", "shutdown", seconds=280, TMPDIR=str(open_directory), COLUMNS="80")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    own = [line for line in ended.stdout.splitlines() if not line.startswith("  worker │")]
    assert [line[:3] for line in own if line.startswith(("  ✔", "  ✘"))] == ["  ✔"] * 7
    assert max(map(len, own)) <= 80
    assert list(open_directory.glob("rowcrew-*/*")) == []


@pytest.mark.long
def test_the_demo_of_ephemeral_workers_keeps_its_promises_on_eighty_columns(open_directory: Path) -> None:
    ended = run("demo", "ephemeral", seconds=280, TMPDIR=str(open_directory), COLUMNS="80")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    own = [line for line in ended.stdout.splitlines() if not line.startswith("  spawner │")]
    assert [line[:3] for line in own if line.startswith(("  ✔", "  ✘"))] == ["  ✔"] * 11
    assert max(map(len, own)) <= 80
    assert list(open_directory.glob("rowcrew-*/*")) == []


def test_a_job_that_was_reserved_at_the_signal_and_given_back_was_not_begun() -> None:
    given_back = {"status": "queued", "attempts": 0, "checkpoint": None, "step": None}
    assert was_not_begun(given_back)
    for trace in ({"status": "completed", "step": 1}, {"attempts": 1}, {"step": 1}):
        assert not was_not_begun(given_back | trace)


def test_a_promise_that_was_not_kept_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict({"all is well": True, "nothing is left": False}, 0.0) == 1
    assert "  ✔ all is well\n  ✘ nothing is left\n" in capsys.readouterr().out
    assert verdict({"all is well": True}, 0.0) == 0


def test_dev_restarts_its_worker_when_a_file_changes_and_keeps_the_data(
    tmp_path: Path, open_directory: Path
) -> None:
    project, data = tmp_path / "project", open_directory / "data"
    project.mkdir()
    (project / "handlers.py").write_text(HANDLERS.format(answer=41))
    command = (*ROWCREW, "dev", "handlers:crew", "--queue", "cost_collection", "--data-dir", str(data))
    with program(*command, cwd=project) as dev:
        url = _address(dev.line("  export DATABASE_URL="))
        assert re.fullmatch(r"postgresql://postgres:[^@]{20,}@127\.0\.0\.1:\d+/postgres", url)
        assert dev.line("👥 Ready").endswith("queues: cost_collection")
        assert _worked(url, project) == "41"

        (project / "handlers.py").write_text(HANDLERS.format(answer=42))
        dev.line("rowcrew dev: handlers.py changed: restarting the worker")
        eventually(lambda: sum(line.startswith("👥 Ready") for line in dev.lines) == 2)
        assert _worked(url, project) == "42"

        (project / "handlers.py").write_text("nonsense(")
        dev.line("rowcrew dev: the worker ended with exit code 1")
        (project / "handlers.py").write_text(HANDLERS.format(answer=43))
        eventually(lambda: sum(line.startswith("👥 Ready") for line in dev.lines) == 3)

        family = psutil.Process(dev.process.pid).children(recursive=True)
        dev.process.send_signal(signal.SIGINT)
        assert dev.ended() == 0
        eventually(lambda: all(is_gone(one.pid) for one in family))
    assert dev.lines[-1].startswith("👋 Worker stopped")

    port = free_port()
    with program(*command, "--port", str(port), cwd=project) as dev:
        assert _address(dev.line("  export DATABASE_URL=")).endswith(f":{port}/postgres")
        assert dev.stop() == 0
    (open_directory / "data" / "port").write_text(str(psycopg.conninfo.conninfo_to_dict(url)["port"]))

    with program(*command, cwd=project) as dev:
        dev.line("👥 Ready")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (2,)
        assert dev.stop() == 0


def test_dev_uses_the_database_it_is_given(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "handlers.py").write_text(HANDLERS.format(answer=41))
    with program(*ROWCREW, "dev", "handlers:crew", cwd=tmp_path, DATABASE_URL=database_url) as dev:
        dev.line("👥 Ready")
        ended = run("enqueue", "answer", "--wait", DATABASE_URL=database_url)
        assert (ended.returncode, ended.stdout) == (0, "41\n")
        assert dev.stop() == 0
    assert not any("PostgreSQL runs" in line for line in dev.lines)


def _worked(url: str, project: Path) -> str:
    ended = run("enqueue", "answer", "--queue", "cost_collection", "--wait", DATABASE_URL=url, cwd=project)
    return ended.stdout.strip()


def _address(line: str) -> str:
    found = re.search("'(.*)'", line)
    assert found is not None
    return found[1]


@pytest.fixture
def job_file(tmp_path: Path) -> Callable[[str], Path]:
    (tmp_path / "app.py").write_text(
        "from rowcrew import Context, Crew\n\ncrew = Crew()\n\n\n@crew.job\n"
        "def divide(context: Context, by: int) -> float:\n"
        "    context.progress(1, 2)\n    context.enqueue('tell', {})\n    return 1 / by\n"
    )

    def write(text: str) -> Path:
        (tmp_path / "job.json").write_text(text)
        return tmp_path / "job.json"

    return write


@pytest.mark.parametrize("name", ["payload", "parameters"])
def test_dev_runs_one_job_of_a_file_without_a_database(job_file: Callable[[str], Path], name: str) -> None:
    file = job_file(f'{{"type": "divide", "{name}": {{"by": 4}}, "priority": "high"}}')
    done = run("dev", "app:crew", "--job", str(file), cwd=file.parent)
    assert (done.returncode, done.stdout) == (0, "0.25\n")
    assert done.stderr.splitlines() == [
        'rowcrew dev: progress {"current":1,"message":null,"total":2}',
        "rowcrew dev: would enqueue tell × 1",
        "rowcrew dev: completed",
    ]


def test_dev_tells_why_the_job_of_a_file_failed(job_file: Callable[[str], Path]) -> None:
    file = job_file('{"type": "divide", "payload": {"by": 0}}')
    done = run("dev", "app:crew", "--job", str(file), cwd=file.parent)
    assert (done.returncode, done.stdout) == (1, "")
    assert "rowcrew dev: failed: ZeroDivisionError" in done.stderr
    assert "app.py" in done.stderr


@pytest.mark.parametrize(
    ("text", "complaint", "exit_code"),
    [
        ("{", "holds no job", 1),
        ('{"type": "divide", "paylod": {}}', "paylod", 1),
        ('{"type": "unknown"}', "no type 'unknown'", 1),
        ('{"type": "divide", "payload": {"by": 1}, "parameters": {"by": 2}}', "give one of them", 2),
    ],
)
def test_dev_refuses_a_file_that_holds_no_job(
    job_file: Callable[[str], Path], text: str, complaint: str, exit_code: int
) -> None:
    file = job_file(text)
    done = run("dev", "app:crew", "--job", str(file), cwd=file.parent)
    assert (done.returncode, done.stdout, complaint in done.stderr) == (exit_code, "", True)
