"""A question to the database, asked before it is known over which kind of connection.

In: a verb as a generator, which yields each statement with its parameters and gets its rows. Out: what the
verb makes of them. Producers and runs speak through their callers' connections, sync or async; so their verbs
yield, and `answered` or `answered_async` carries the questions over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any, NamedTuple, TypeVar

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import tuple_row

A = TypeVar("A")
Rows = Sequence[Sequence[Any]]


class Question(NamedTuple):
    """One statement and its parameters."""

    statement: str
    parameters: dict[str, Any]


Asking = Generator[Question, Rows, A]
Ask = Callable[[Question], Rows]
AskAsync = Callable[[Question], Awaitable[Rows]]


def answered(asking: Asking[A], ask: Ask) -> A:
    """What the verb answers, its questions carried over by a plain function."""
    try:
        question = next(asking)
        while True:
            question = asking.send(ask(question))
    except StopIteration as end:
        answer: A = end.value
        return answer


async def answered_async(asking: Asking[A], ask: AskAsync) -> A:
    """What the verb answers, its questions carried over by a coroutine function."""
    try:
        question = next(asking)
        while True:
            question = asking.send(await ask(question))
    except StopIteration as end:
        answer: A = end.value
        return answer


# Cursors of our own kind: the caller's connection may make dicts, or cursors that read other placeholders.
def psycopg_rows(connection: psycopg.Connection[Any], question: Question) -> Rows:
    with psycopg.Cursor(connection, row_factory=tuple_row) as cursor:
        _read_text(cursor)
        return cursor.execute(question.statement, question.parameters).fetchall()


async def psycopg_rows_async(connection: psycopg.AsyncConnection[Any], question: Question) -> Rows:
    async with psycopg.AsyncCursor(connection, row_factory=tuple_row) as cursor:
        _read_text(cursor)
        await cursor.execute(question.statement, question.parameters)
        return await cursor.fetchall()


class _TextLoader(Loader):
    """Text in UTF-8, from a database that does not say which encoding its bytes have."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode()


def _read_text(cursor: psycopg.Cursor[Any] | psycopg.AsyncCursor[Any]) -> None:
    """A caller's session in SQL_ASCII would answer bytes in place of text."""
    if cursor.connection.info.encoding == "ascii":
        cursor.adapters.register_loader("text", _TextLoader)
