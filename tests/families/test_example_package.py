"""The package that docs/guides/packages.md builds is the one in examples/, can be installed, and runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from rig.fixtures import StartWorker
from rig.programs import run
from rig.table import Table
from rig.worker_process import PACKAGES
from tests.docs.pages import ROOT, block_marked

SOURCE = ROOT / "examples" / "greetings"


@pytest.mark.parametrize("name", ["greetings/handlers.py", "greetings/__init__.py", "pyproject.toml"])
def test_the_guide_shows_the_files_as_they_are(name: str) -> None:
    assert block_marked("part of", name).text == (SOURCE / name).read_text()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The PYTHONPATH of an installation that has the package, unpacked from its wheel."""
    built, site = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("site")
    shutil.copytree(SOURCE, built / "source", ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    subprocess.run(build, cwd=built / "source", check=True, capture_output=True)
    [wheel] = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    return os.pathsep.join([str(site), *PACKAGES])


def test_a_worker_that_is_told_nothing_runs_the_installed_types(
    site: str, start_worker: StartWorker, table: Table
) -> None:
    program = [sys.executable, "-m", "rowcrew.cli", "worker"]
    worker = start_worker(program=program, PYTHONPATH=site).ready()
    job = table.enqueue("greet", {"name": "Ada", "language": "es"})
    assert table.until(job, "completed")["result"] == "Hola, Ada!"
    known = run("types", "list", PYTHONPATH=site, DATABASE_URL=table.address).stdout
    assert "greet" in known.split()
    assert worker.stop() == 0
    assert "Goodbye!" in worker.log.read_text()


def test_a_worker_that_is_told_a_module_runs_it_uninstalled(start_worker: StartWorker, table: Table) -> None:
    path = os.pathsep.join([str(SOURCE), *PACKAGES])
    start_worker(crew="greetings.handlers:crew", PYTHONPATH=path).ready()
    job = table.enqueue("greet", {"name": "Ada"})
    assert table.until(job, "completed")["result"] == "Hello, Ada!"
