"""What belongs into one room of the house stays there: reading the environment, and speaking SQL."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python-worker" / "rowcrew"
SQL_OPENINGS = (
    *(
        "SELECT ",
        "INSERT INTO ",
        "UPDATE ",
        "DELETE FROM ",
        "WITH ",
        "CREATE ",
        "ALTER ",
        "DROP ",
        "TRUNCATE ",
    ),
    *("LISTEN ", "NOTIFY ", "COPY ", "LOCK TABLE ", "MERGE INTO "),
)
# These two speak SQL on purpose: the server's probe, and plain SQL shown and sent as a user would.
SPEAKS_SQL = {"table"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def environment_reads(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}:
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (node.lineno for name in node.names if name.name in {"environ", "environb", "getenv"})


def sql_texts(tree: ast.Module) -> Iterator[int]:
    """Every string that opens with an SQL verb and is no docstring."""
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
        if is_text and str(node.value).lstrip().startswith(SQL_OPENINGS):  # type: ignore[attr-defined]
            yield node.lineno  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", modules(), ids=relative)
def test_only_settings_reads_the_environment(module: Path) -> None:
    if relative(module) != "settings.py":
        assert list(environment_reads(ast.parse(module.read_text()))) == []


@pytest.mark.parametrize("module", modules(), ids=relative)
def test_only_the_table_speaks_sql(module: Path) -> None:
    if module.relative_to(PACKAGE).parts[0] not in SPEAKS_SQL:
        assert list(sql_texts(ast.parse(module.read_text()))) == []


def test_every_sql_file_opens_with_its_purpose() -> None:
    files = sorted(PACKAGE.joinpath("table", "sql").glob("*.sql"))
    assert files
    assert [file.name for file in files if not file.read_text().startswith("-- ")] == []
