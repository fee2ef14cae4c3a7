"""The documents of a project, read without a search: by a text, from a place on, by ids, line by line.

In: a connection whose transaction the caller ends. Out: chunks and lines; other projects do not exist here.
Called by the tools of investigations.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import psycopg

from rowcrew.bundled.retrieval.statements import SQL

Connection = psycopg.Connection[Any]


class LibraryChunk(NamedTuple):
    """A chunk with what its document is called; `place` counts from 1."""

    id: int
    document_id: int
    name: str | None
    place: int
    content: str


class NamedLines(NamedTuple):
    """A document that has a name, and some of its lines."""

    document_id: int
    name: str
    lines: list[str]


class Library:
    """The documents of one project."""

    def __init__(self, connection: Connection, project: str) -> None:
        self._connection = connection
        self._project = project

    def chunks_holding(self, text: str, limit: int) -> list[LibraryChunk]:
        """Chunks that hold a text as it stands; case does not count."""
        return [LibraryChunk(*row) for row in self._rows("chunks_holding", text=text, limit=limit)]

    def chunks_from(self, document_id: int, place: int, limit: int) -> list[LibraryChunk]:
        """Chunks of a document from a place on."""
        rows = self._rows("chunks_from", document_id=document_id, place=place, limit=limit)
        return [LibraryChunk(*row) for row in rows]

    def chunks(self, ids: Collection[int]) -> dict[int, LibraryChunk]:
        """Those of these chunks that there are."""
        return {row[0]: LibraryChunk(*row) for row in self._rows("contents", ids=list(ids))}

    def lines_like(self, pattern: str, limit: int) -> list[NamedLines]:
        """Documents with the lines that are like a pattern of PostgreSQL, which takes its first group."""
        return [NamedLines(*row) for row in self._rows("lines_like", pattern=pattern, limit=limit)]

    def _rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        asked = {"project": self._project, **parameters}
        return self._connection.execute(SQL[statement], asked).fetchall()
