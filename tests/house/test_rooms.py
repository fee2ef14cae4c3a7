"""What belongs into one room of the house stays there: reading the environment, and speaking SQL."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

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


def places(find: Callable[[ast.Module], Iterator[int]], *, except_in: str) -> list[str]:
    """Where the package has what `find` finds, as file:line."""
    modules = ((path.relative_to(PACKAGE), path) for path in sorted(PACKAGE.rglob("*.py")))
    return [
        f"{name}:{line}"
        for name, path in modules
        if name.parts[0] != except_in
        for line in find(ast.parse(path.read_text()))
    ]


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
        match node:
            case ast.Constant(value=str(text)) if id(node) not in prose and text.lstrip().startswith(
                SQL_OPENINGS
            ):
                yield node.lineno


def test_only_settings_reads_the_environment() -> None:
    assert places(environment_reads, except_in="settings") == []


def test_only_the_table_and_the_tables_of_families_speak_sql() -> None:
    """Statements of families are files too; in Python are their migrations, and what is composed by name."""
    spoken = {place.partition(":")[0] for place in places(sql_texts, except_in="table")}
    allowed = re.compile(
        r"bundled/(\w+/migrations/\w+|\w+/tables|csv_import/(copy_in|cells|staging|suspects))\.py"
    )
    assert [place for place in sorted(spoken) if not allowed.fullmatch(place)] == []


def test_every_sql_file_opens_with_its_purpose() -> None:
    files = sorted(PACKAGE.rglob("*.sql"))
    assert files
    assert [file.name for file in files if not file.read_text().startswith("-- ")] == []


def test_every_class_is_introduced_by_what_it_is() -> None:
    """A docstring begins with words about the class, not with a list of its arguments."""
    undescribed = [
        f"{path.relative_to(PACKAGE)}: {node.name}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and (ast.get_docstring(node) or "Args:").startswith(
            ("Args:", "Attributes:", "Raises:", "In:", "Out:")
        )
    ]
    assert undescribed == []
