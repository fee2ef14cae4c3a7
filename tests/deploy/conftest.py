"""An environment as a platform builds one: empty, then `pip install -r requirements.txt`, nothing else."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rig.databases import new_database
from rowcrew.embedded import EmbeddedPostgres
from tests.deploy.pm2 import Pm2
from tests.deploy.project import Project

ROOT = Path(__file__).parents[2]
WORKER = ROOT / "python-worker"
REQUIREMENTS = WORKER / "requirements.txt"

SIX_LINES = [
    "🚀 Rowcrew Python Worker started",
    "📊 Polling interval: 2 seconds",
    "⚙️  Worker concurrency: 4",
    "🆔 Worker ID: render-worker-1",
    "✅ Database connection successful",
    "🔍 Checking for stuck jobs...",
]
OPTION = """
    INSERT INTO jobs (id, type, payload, status) VALUES (4711, 'monte_carlo', '{
        "model": "european_option", "spot": 100, "strike": 105, "rate": 0.05, "volatility": 0.2,
        "maturityYears": 1, "paths": 1000}', 'queued')
"""


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first in the environment waits for pip: half a minute, or minutes."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(600))
            if "environment" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def environment() -> Path:
    """The `bin` of a virtual environment with the requirements; kept while these and Python stay the same."""
    made_from = REQUIREMENTS.read_bytes() + sys.version.encode()
    target = ROOT / ".state" / f"deploy-{hashlib.sha256(made_from).hexdigest()[:16]}"
    target.parent.mkdir(exist_ok=True)
    with target.with_suffix(".lock").open("w") as only_one:
        fcntl.flock(only_one, fcntl.LOCK_EX)
        if not (target / "installed").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", target], check=True)
            pip = [str(target / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "-r", REQUIREMENTS.name], cwd=WORKER, check=True, env=bare())
            (target / "installed").touch()
    return target / "bin"


def bare(bin: Path | None = None) -> dict[str, str]:
    """This process's environment without what would lend an installation its packages."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return kept | ({"PATH": f"{bin}{os.pathsep}{kept['PATH']}"} if bin else {})


@pytest.fixture
def worker_alone(tmp_path: Path) -> Path:
    """A copy of python-worker/, far from the rest of the checkout."""
    return Path(shutil.copytree(WORKER, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def empty_url(server: EmbeddedPostgres) -> Iterator[str]:
    """The address of a database without any table."""
    with new_database(server, "deploy") as name:
        yield server.tcp_url_of(name)


OpenProject = Callable[..., Project]


@pytest.fixture
def open_project(tmp_path: Path, tcp_database_url: str) -> Iterator[OpenProject]:
    """Lay out a project whose worker has these settings."""
    opened: list[Project] = []

    def open_project(**settings: object) -> Project:
        opened.append(Project(tmp_path / f"project-{len(opened)}", tcp_database_url, **settings))
        return opened[-1]

    yield open_project
    for project in opened:
        project.table.close()


@pytest.fixture
def pm2() -> Iterator[Pm2]:
    home = Path(tempfile.mkdtemp(prefix="pm2-"))  # a short path: the daemon's sockets lie there
    pm2 = Pm2(home)
    yield pm2
    pm2("kill")
    shutil.rmtree(home)
