"""Statements and functions agree: one for each other, in name, parameters and answered columns.

Not asked about: `link` and `migration`, whose statements belong to what a connection or a migration does by
itself; `demo` and `bench`, which show and measure; the rooms of bundled families.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import msgspec
import psycopg
import pytest
from psycopg.pq import ExecStatus

from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table import (
    events,
    job_lines,
    limits,
    looks,
    operator,
    producer,
    retention,
    run,
    schedules,
    spawn,
    stats,
    waits,
    web_users,
    worker,
)
from rowcrew.table.statements import SQL

ROOMS: dict[str, ModuleType] = {
    "events": events,
    "job_lines": job_lines,
    "limits": limits,
    "looks": looks,
    "operator": operator,
    "producer": producer,
    "retention": retention,
    "run": run,
    "schedules": schedules,
    "spawn": spawn,
    "stats": stats,
    "waits": waits,
    "web_users": web_users,
    "worker": worker,
}
SCRIPTS = {"operator/roles"}  # for psql, not for a driver
STATEMENTS = sorted(name for name in SQL if name.partition("/")[0] in ROOMS and name not in SCRIPTS)
SCALARS = (int, str, bool, float, datetime)
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class Asked(Exception):
    """What a function is about to ask: raised in place of asking."""

    def __init__(self, statement: str, parameters: dict[str, Any]) -> None:
        self.statement = statement
        self.parameters = parameters


class RecordingLink:
    """A link that asks nothing."""

    async def fetch(self, statement: str, parameters: dict[str, Any], *_seconds: float, **_size: int) -> Any:
        raise Asked(statement, parameters)


def verbs(module: ModuleType) -> set[str]:
    """The public functions that a module defines."""
    return {
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def verb(statement: str) -> Callable[..., Any]:
    room, _, name = statement.partition("/")
    function: Callable[..., Any] = getattr(ROOMS[room], name)
    return function


def asked_by(function: Callable[..., Any]) -> Asked:
    """What the function asks, whatever it is given."""
    arguments: dict[str, Any] = {
        name: RecordingLink() if name == "link" else MagicMock()
        for name in inspect.signature(function).parameters
    }
    asking = function(**arguments)
    if isinstance(asking, Generator):
        question = next(asking)
        return Asked(question.statement, question.parameters)
    with pytest.raises(Asked) as asked:
        asking.send(None)
    return asked.value


def answered_type(function: Callable[..., Any]) -> Any:
    """What one row becomes: the type itself, that of a list's items, or that beside None."""
    answer = typing.get_type_hints(function)["return"]
    if typing.get_origin(answer) is Generator:
        answer = typing.get_args(answer)[2]
    parts = [part for part in typing.get_args(answer) if part is not type(None)]
    return parts[0] if parts else answer


def fields(row: Any) -> list[str]:
    """The fields of a row's type, as columns are named."""
    names = row.__struct_fields__ if issubclass(row, msgspec.Struct) else row._fields
    return [re.sub(r"_(\w)", lambda match: match[1].upper(), name) for name in names]


@pytest.fixture(scope="module")
def described(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Callable[[str], list[str]]]:
    """The names of the columns that the server says a statement answers."""
    with psycopg.connect(server.url_of(migrated_template), autocommit=True) as connection:

        def described(statement: str) -> list[str]:
            prepared = connection.pgconn.prepare(b"", numbered(SQL[statement]).encode())
            assert prepared.status == ExecStatus.COMMAND_OK, prepared.error_message.decode()
            answer = connection.pgconn.describe_prepared(b"")
            assert answer.status == ExecStatus.COMMAND_OK, answer.error_message.decode()
            return [(answer.fname(place) or b"").decode() for place in range(answer.nfields)]

        yield described


def numbered(statement: str) -> str:
    """The statement with PostgreSQL's placeholders: the same name has the same number."""
    names = list(dict.fromkeys(PLACEHOLDER.findall(statement)))
    return PLACEHOLDER.sub(lambda match: f"${names.index(match[1]) + 1}", statement)


@pytest.mark.parametrize("room", ROOMS)
def test_each_statement_has_a_function_of_its_name_and_each_function_a_statement(room: str) -> None:
    assert verbs(ROOMS[room]) == {
        name.partition("/")[2] for name in STATEMENTS if name.startswith(f"{room}/")
    }


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_function_asks_its_statement_with_all_its_parameters_and_no_others(statement: str) -> None:
    asked = asked_by(verb(statement))
    assert asked.statement == SQL[statement]
    assert set(asked.parameters) == set(PLACEHOLDER.findall(SQL[statement]))


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_answered_columns_are_the_fields_of_the_row(
    statement: str, described: Callable[[str], list[str]]
) -> None:
    columns, row = described(statement), answered_type(verb(statement))
    if row is type(None):
        assert columns == []
    elif row in SCALARS:
        assert len(columns) == 1 or (row is bool and not columns)
    else:
        assert columns == fields(row)


def test_jobs_are_reserved_by_id_as_by_priority_but_for_the_order() -> None:
    """Two texts, so that each has the plan of its order: what one learns the other must learn too."""
    by_priority, by_id = (SQL[name].partition("\n")[2] for name in ("worker/reserve", "worker/reserve_by_id"))
    sorted_by_id = by_id.replace("SELECT id, ctid AS place", "SELECT ctid AS place")
    assert sorted_by_id.replace("        ORDER BY ready.id\n", "") == by_priority
