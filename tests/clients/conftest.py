"""What the tests of clients' pages share: a database with people, which the front page's crew serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rig.databases import new_database
from rig.logins import logins
from rig.pooler import Pooler
from rig.programs import ROWCREW, Dialogue, program
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from tests.clients.programs import PAGES, Program, built, missing
from tests.docs.pages import block_marked, blocks

Build = Callable[[str], Program]


class Client(Dialogue):
    """A client's running program: one order and one answer at a time."""

    def do(self, order: str, value: object) -> str:
        """The answer, which may be that the server refused."""
        return self.ask(f"{order} {value}")

    def sign_up(self, name: str) -> int:
        return int(self.do("sign_up", name))

    def read(self, id: int) -> list[str]:
        """Status, result as JSON, error."""
        return self.do("read", id).split("\t")

    def ended(self, id: int) -> list[str]:
        """Ask until the job has ended."""
        return eventually(lambda: ((job := self.read(id))[0] not in ("queued", "processing") and job) or [])

    def cancel(self, id: int) -> int:
        return int(self.do("cancel", id))


def running(program: Program, url: str, *, pooled: bool = False) -> Client:
    variables = {"POOLED": "1"} if pooled else {}
    return Client([*program.command, url], cwd=program.folder, **variables)


@dataclass(frozen=True)
class Town:
    """The database: for a producer with the rights of its role, for its owner, and a look at the rows."""

    producer_url: str
    owner_url: str
    connection: psycopg.Connection[tuple[Any, ...]]

    def one(self, statement: str, *values: object) -> Any:
        row = self.connection.execute(statement, values).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture(scope="module")
def town(
    server: EmbeddedPostgres,
    migrated_template: str,
    roles_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    """Nobody has another's name; who tries learns it at the commit, when the job has been inserted."""
    folder = tmp_path_factory.mktemp("town")
    (folder / "app.py").write_text(block_marked("file", "app.py").text)
    [people] = [block.text for block in blocks("sql") if block.page == PAGES / "README.md"]
    with (
        new_database(server, "clients", template=migrated_template) as name,
        psycopg.connect(server.url_of(name), autocommit=True) as connection,
        logins(server, roles_file, server.url_of(name), server.tcp_url_of(name)) as login,
        program(*ROWCREW, "worker", "app:crew", cwd=folder, DATABASE_URL=server.url_of(name)) as worker,
    ):
        connection.execute(people)
        connection.execute("ALTER TABLE people ADD UNIQUE (name) DEFERRABLE INITIALLY DEFERRED")
        connection.execute("GRANT SELECT, INSERT ON people TO a_producer")
        worker.line("👥 Ready")
        yield Town(login("producer"), server.tcp_url_of(name), connection)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build a client's program, once for all tests that want it; skip the test where it cannot be."""
    there: dict[str, Program] = {}

    def build(client: str) -> Program:
        reason = missing(client)
        if reason is not None:
            pytest.skip(reason)
        if client not in there:
            there[client] = built(client, tmp_path_factory.mktemp(client))
        return there[client]

    return build


@pytest.fixture(scope="module")
def pooler(town: Town) -> Iterator[Pooler]:
    with Pooler(town.owner_url, sessions=3, ignores="extra_float_digits") as pooler:
        yield pooler
