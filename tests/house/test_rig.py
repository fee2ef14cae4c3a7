"""Tests, storm and benchmarks share the rig and nothing else: each can be changed, or thrown away, alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rig.fixtures import pytest_collection_modifyitems

ROOT = Path(__file__).parents[2]
# What else a room may use, and which files of tests are about another room.
FOREIGN = {
    "rig": {"tests", "storm", "benchmarks"},
    "storm": {"tests", "benchmarks"},
    "benchmarks": {"tests", "storm"},
    "python-worker": {"rig", "tests", "storm", "benchmarks"},
    "tests": {"storm", "benchmarks"},
}
TESTS_OF = {"storm": Path("tests/storm"), "benchmarks": Path("tests/bench")}


def imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The full names of all imports, at any depth, with their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((name.name, node.lineno) for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module, node.lineno


@cache
def imports(room: str) -> list[tuple[Path, str, int]]:
    return [
        (path.relative_to(ROOT), name, line)
        for path in sorted((ROOT / room).rglob("*.py"))
        for name, line in imported(ast.parse(path.read_text()))
    ]


@pytest.mark.parametrize("room", FOREIGN)
def test_rooms_that_share_the_rig_do_not_import_each_other(room: str) -> None:
    assert [
        f"{path}:{line} imports {name}"
        for path, name, line in imports(room)
        if (owner := name.partition(".")[0]) in FOREIGN[room]
        and not (room == "tests" and path.is_relative_to(TESTS_OF[owner]))
    ] == []


def test_no_room_of_tests_imports_the_fixtures_of_another() -> None:
    """Fixtures that several rooms need are the rig's, and pytest finds them by itself."""
    assert [
        f"{path}:{line} imports {name}"
        for path, name, line in imports("tests")
        if (parts := name.split("."))[0] == "tests"
        and parts[-1] == "conftest"
        and len(parts) == 3
        and path.parts[1] != parts[1]
    ] == []


@pytest.mark.parametrize("several", [True, False], ids=["several processes", "one process"])
def test_several_processes_begin_with_the_slow_tests_and_one_keeps_the_order(several: bool) -> None:
    config: Any = SimpleNamespace(workerinput={}) if several else SimpleNamespace()
    marks: dict[str, Any] = {"a": None, "b": "slow", "c": None, "d": "slow"}
    items: Any = [
        SimpleNamespace(name=name, get_closest_marker=lambda _, mark=mark: mark)
        for name, mark in marks.items()
    ]
    pytest_collection_modifyitems(config, items)
    assert "".join(item.name for item in items) == ("bdac" if several else "abcd")


@pytest.mark.parametrize(
    ("marks", "added"),
    [(("long",), [600]), (("slow",), [300]), (("long", "timeout"), []), ((), [])],
    ids=["long", "slow", "says itself", "ordinary"],
)
def test_long_and_slow_tests_may_take_longer_unless_one_says_itself_how_long(
    marks: tuple[str, ...], added: list[int]
) -> None:
    seconds: list[int] = []
    config: Any = SimpleNamespace()
    item: Any = SimpleNamespace(
        get_closest_marker=lambda name: name in marks or None,
        add_marker=lambda mark: seconds.extend(mark.args),
    )
    pytest_collection_modifyitems(config, [item])
    assert seconds == added
