"""The statements of `rowcrew bench`: each file has a function of its name, and nothing else has one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from rig.staging import past_triggers
from rowcrew.bench import pinned, scratch
from rowcrew.bench.statements import SQL
from rowcrew.bench.table import BenchTable, Handled, Newest, Span

ROOM = Path(scratch.__file__).parent


def used_by_name() -> dict[str, set[str]]:
    """The names of statements that the room's modules use, by the functions that use them."""
    used: dict[str, set[str]] = {}
    for path in ROOM.glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                texts = {node.value for node in ast.walk(function) if isinstance(node, ast.Constant)}
                for name in texts & set(SQL):
                    used.setdefault(str(name), set()).add(function.name)
    return used


@pytest.mark.parametrize("name", sorted(SQL))
def test_each_statement_is_sent_by_one_function_of_its_name(name: str) -> None:
    senders = {"held_snapshot"} if name == "look" else {name}
    assert used_by_name()[name] == senders


def test_looking_holds_a_snapshot_that_an_update_does_not_reach(database_url: str) -> None:
    with BenchTable(database_url) as table, pinned.held_snapshot(database_url):
        holders = """
            SELECT count(*) FROM pg_stat_activity
            WHERE backend_xmin IS NOT NULL AND state = 'idle in transaction' AND datname = current_database()
        """
        assert table.connection.execute(holders).fetchall() == [(1,)]


def test_rows_have_the_names_of_the_statements_columns(database_url: str) -> None:
    with BenchTable(database_url) as table:
        assert table.newest() == Newest(0, has_ended=False)
        assert table.span() == Span(0, 0.0)
        id = table.send("bench_when")
        assert table.newest() == Newest(id, has_ended=False)
        with past_triggers(table.connection):
            table.connection.execute(
                """
                UPDATE jobs SET status = 'completed', result = '1.5', "startedAt" = to_timestamp(1),
                       "finishedAt" = to_timestamp(3)
                """
            )
        assert table.newest() == Newest(id, has_ended=True)
        assert table.span() == Span(1, 2.0)
        assert table.handled() == [Handled(id, number=1, reserved=1.0, began=1.5)]
        assert table.thirds() == [(1, 0.0)]
