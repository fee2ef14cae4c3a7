"""A file of a project that takes the name of a module of Python itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rig.programs import clean_environment
from rowcrew.cli.clashes import clashes


@pytest.mark.parametrize("name", ["queue", "types", "logging", "platform"])
def test_a_module_in_the_way_of_python_s_own_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").touch()
    [told] = clashes([tmp_path, tmp_path])
    assert f"{name}.py stands before Python's own module {name}" in told


def test_a_package_is_in_the_way_and_a_plain_directory_is_not(tmp_path: Path) -> None:
    for name in ("logging", "queue"):
        (tmp_path / name).mkdir()
    (tmp_path / "logging" / "__init__.py").touch()
    [told] = clashes([tmp_path])
    assert "module logging" in told


@pytest.mark.parametrize("name", ["app", "turtle", "sys", "os"])
def test_other_files_are_nobody_s_concern(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").touch()
    assert list(clashes([tmp_path])) == []


def test_a_worker_says_so_before_its_runner_dies_of_it(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "app.py").write_text("from rowcrew import Crew\ncrew = Crew()\n")
    (tmp_path / "queue.py").touch()
    program = [sys.executable, "-P", "-m", "rowcrew.cli", "worker", "app:crew"]
    ended = subprocess.run(
        program,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(DATABASE_URL=database_url),
    )
    assert ended.returncode == 1
    first = ended.stderr.splitlines()[0]
    assert first.startswith(f"rowcrew: {tmp_path / 'queue.py'} stands before Python's own module queue")
