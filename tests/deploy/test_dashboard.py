"""A service made by hand in a dashboard: python-worker/ alone, its requirements, `python worker.py`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rig.programs import Program, program
from rowcrew.bundled import crew
from rowcrew.table.compatibility import SCHEMA_REVISION
from tests.conftest import Connect
from tests.deploy.conftest import OPTION, SIX_LINES, bare


@pytest.fixture(autouse=True)
def no_packages_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def refusal(worker: Program) -> str:
    """The last line of a worker that did not start."""
    assert worker.ended() == 1
    assert not any(line.startswith("👥 Ready") for line in worker.lines)
    return worker.lines[-1]


@pytest.mark.slow
def test_the_requirements_are_whole_and_agree_with_each_other(environment: Path) -> None:
    check = subprocess.run([environment / "pip", "check"], text=True, capture_output=True, env=bare())
    assert (check.returncode, check.stdout) == (0, "No broken requirements found.\n")


def test_the_folder_alone_is_what_runs(environment: Path, worker_alone: Path) -> None:
    command = [str(environment / "python"), "-c", "import rowcrew; print(rowcrew.__file__)"]
    found = subprocess.run(command, text=True, capture_output=True, cwd=worker_alone, env=bare()).stdout
    assert Path(found.strip()).is_relative_to(worker_alone)


def test_it_serves_several_databases_whatever_the_working_directory(
    environment: Path, worker_alone: Path, tcp_database_url: str, tmp_path: Path
) -> None:
    urls = f"sales={tcp_database_url} stock={tcp_database_url}"
    command = (str(environment / "python"), str(worker_alone / "worker.py"))
    with program(*command, cwd=tmp_path, DATABASE_URLS=urls) as worker:
        for name in ("sales", "stock"):
            worker.line(f"[{name}] 👥 Ready")
        assert worker.stop() == 0


def test_it_starts_with_six_lines_and_works_a_job(
    environment: Path, worker_alone: Path, tcp_database_url: str, connect: Connect
) -> None:
    with program(
        *(str(environment / "python"), "worker.py"),
        cwd=worker_alone,
        DATABASE_URL=tcp_database_url,
        WORKER_ID="render-worker-{instance}",
        RENDER_INSTANCE_ID="1",
    ) as worker:
        worker.line("👥 Ready")
        (types,) = connect().execute("SELECT types FROM workers").fetchone() or ([],)
        connect().execute(OPTION)
        worker.line("✅ Job completed: 4711")
        assert worker.stop() == 0
    assert worker.lines[:6] == SIX_LINES
    assert [line for line in worker.lines if "4711" in line] == [
        "📦 Reserved job: 4711 (type: monte_carlo)",
        "⚙️  Processing job: 4711",
        "✅ Job completed: 4711",
    ]
    assert set(types) == set(crew.types)
    ((status, result),) = connect().execute("SELECT status, result FROM jobs")
    assert (status, result["paths"]) == ("completed", 1000)


def test_without_tables_it_names_the_remedy(environment: Path, worker_alone: Path, empty_url: str) -> None:
    command = (str(environment / "python"), "worker.py")
    with program(*command, cwd=worker_alone, DATABASE_URL=empty_url) as worker:
        line = refusal(worker)
    assert line == (
        f"❌ Worker failed to start: the database has no schema, need revision {SCHEMA_REVISION}: "
        "run rowcrew migrate; if that was done, rowcrew doctor tells where the tables are"
    )


def test_facing_older_tables_it_says_which_it_needs(
    environment: Path, worker_alone: Path, tcp_database_url: str, connect: Connect
) -> None:
    connect().execute("UPDATE rowcrew_schema SET revision = 0")
    command = (str(environment / "python"), "worker.py")
    with program(*command, cwd=worker_alone, DATABASE_URL=tcp_database_url) as worker:
        line = refusal(worker)
    expected = f"schema at revision 0, need {SCHEMA_REVISION}: run rowcrew migrate"
    assert line == f"❌ Worker failed to start: {expected}"
