"""A database for documents, and one short way to process a file into it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rig.databases import new_database
from rowcrew.bundled import crew
from rowcrew.bundled.retrieval.searching import Found, search
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.model.outcome import Errored
from rowcrew.testing import HandlerRun, run_handler

CONSTITUTION = (Path(__file__).parent / "constitution.txt").read_bytes()


class Library:
    """Documents in a database."""

    def __init__(self, url: str, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.url = url
        self.connection = connection

    def process(self, content: bytes, **payload: Any) -> HandlerRun:
        source = {"inlineBase64": base64.b64encode(content).decode()}
        return self.process_source({"source": source, **payload})

    def process_source(self, payload: dict[str, Any]) -> HandlerRun:
        return self.run("file_processing", payload)

    def run(self, type: str, payload: dict[str, Any]) -> HandlerRun:
        return run_handler(crew, type, payload, database_url=self.url)

    def refusal(self, content: bytes, **payload: Any) -> str:
        outcome = self.process(content, **payload).outcome
        assert isinstance(outcome, Errored)
        assert outcome.permanent
        return outcome.error

    def text(self) -> str:
        """The text of the only document, out of its chunks."""
        return "".join(
            content[overlap:]
            for content, overlap in self.rows("SELECT content, overlap FROM chunks ORDER BY place")
        )

    def search(self, question: str, **options: Any) -> list[Found]:
        return search(self.connection, question, **options)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement.encode()).fetchall()


@pytest.fixture(scope="module")
def library_database(server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    with new_database(server, "library", template=migrated_template) as name:
        yield server.url_of(name)


@pytest.fixture
def library(library_database: str) -> Iterator[Library]:
    with psycopg.connect(library_database, autocommit=True) as connection:
        connection.execute("TRUNCATE documents, chunks")
        yield Library(library_database, connection)
