"""What a user installs holds all that runs, and what runs the migrations."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel built from this checkout."""
    target = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [built] = target.glob("*.whl")
    return set(zipfile.ZipFile(built).namelist())


def test_the_wheel_holds_every_file_of_the_package(wheel: set[str]) -> None:
    package = ROOT / "python-worker"
    for pattern in ("*.py", "*.sql", "py.typed"):
        for file in package.joinpath("rowcrew").rglob(pattern):
            assert file.relative_to(package).as_posix() in wheel


def test_the_wheel_holds_every_migration(wheel: set[str]) -> None:
    for file in ROOT.joinpath("migrations").rglob("*.py"):
        assert f"rowcrew/{file.relative_to(ROOT).as_posix()}" in wheel


def test_the_wheel_brings_nothing_beside_the_package(wheel: set[str]) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel} == {"rowcrew"}
