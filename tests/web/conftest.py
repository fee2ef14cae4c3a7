"""The real server on a port of its own, asked over real HTTP."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest

from rig.databases import new_database
from rig.programs import ROWCREW, Program, program
from rowcrew.embedded import EmbeddedPostgres


class Answered(NamedTuple):
    """One response."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Web:
    """A running server, and the database behind it."""

    def __init__(
        self,
        server: Program,
        url: str,
        connection: psycopg.Connection[tuple[Any, ...]],
        *,
        says: str = "Serving http://127.0.0.1:",
    ) -> None:
        self.server = server
        self.url = url
        self.connection = connection
        self.port = int(server.line(says).rpartition(":")[2])

    def ask(
        self, method: str, path: str, body: Any = None, *, port: int | None = None, **headers: str
    ) -> Answered:
        connection = self._connection(port or self.port)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body
        if body is not None and not isinstance(body, bytes):
            content = json.dumps(body).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, content, sent)
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answered(response.status, told, response.read().decode())
        finally:
            connection.close()

    def _connection(self, port: int) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def get(self, path: str, **headers: str) -> Answered:
        return self.ask("GET", path, None, port=None, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answered:
        return self.ask("POST", path, body, port=None, **headers)

    def enqueue(self, type: str, **columns: Any) -> int:
        answered = self.post("/api/v1/jobs", {"type": type, **columns})
        assert answered.status == 201, answered.text
        return int(answered.json["id"])

    def execute(self, statement: str, *parameters: Any) -> None:
        self.connection.execute(statement.encode(), parameters)

    def value(self, statement: str, *parameters: Any) -> Any:
        row = self.connection.execute(statement.encode(), parameters).fetchone()
        return None if row is None else row[0]


def serving() -> tuple[str, ...]:
    return (*ROWCREW, "web", "--port", "0")


@pytest.fixture(scope="module")
def web(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Web]:
    """One database and one server for the tests of a module, which keep to the rows they make."""
    with new_database(server, "web", template=migrated_template) as name:
        url = server.url_of(name)
        with (
            psycopg.connect(url, autocommit=True) as connection,
            program(*serving(), DATABASE_URL=url) as served,
        ):
            yield Web(served, url, connection)
