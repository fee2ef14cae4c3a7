"""Each client's own load and save, with a worker's statements in between: nothing that happened is undone."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rig.logins import Login
from rig.npm import NODE_IS_THERE, npm_installed
from rig.programs import Dialogue
from rig.waiting import eventually
from tests.conftest import Connect
from tests.contract.hands import Connection, read, record, reserve

pytestmark = pytest.mark.long

NODE = Path(__file__).parent / "node"
PYTHONS = ("django", "peewee", "sqlalchemy", "tortoise")
NODES = ("knex", "drizzle", "sequelize", "typeorm")
WITHOUT_NODE = pytest.mark.skipif(not NODE_IS_THERE, reason="NOT TESTED: Node and npm are not installed")
ORMS = (*PYTHONS, *(pytest.param(name, marks=WITHOUT_NODE) for name in NODES))

Start = Callable[[list[str]], "Client"]


class Client(Dialogue):
    """A client's program, one order and one answer at a time."""

    def do(self, order: str, **values: Any) -> Any:
        return json.loads(self.ask(json.dumps({"do": order, **values})))


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as running:
        yield lambda command: running.enter_context(Client(command))


def command(orm: str, url: str) -> list[str]:
    if orm in NODES:
        program = npm_installed(NODE) / "orms.mjs"
        shutil.copy(NODE / "orms.mjs", program)
        return ["node", str(program), orm, url]
    return [sys.executable, "-m", "tests.producers.orms", orm, url]


def ends(connection: Connection, id: int) -> None:
    lease = connection.execute('SELECT "leaseId" FROM jobs WHERE id = %s', [id]).fetchone() or ()
    assert record(connection, id, lease[0])


def begins(connection: Connection, id: int) -> None:
    reserve(connection, id)


def runs(connection: Connection, id: int) -> None:
    begins(connection, id)
    ends(connection, id)


WORKER = (
    "status",
    "attempts",
    "workerId",
    "leaseId",
    "startedAt",
    "finishedAt",
    "result",
    "progress",
    "runAt",
)


@pytest.mark.parametrize("orm", ORMS)
def test_a_save_after_a_worker_went_on_undoes_nothing(
    orm: str, start: Start, tcp_database_url: str, connect: Connect
) -> None:
    client, connection = start(command(orm, tcp_database_url)), connect()
    for before, meanwhile, status in (
        (None, begins, "processing"),
        (None, runs, "completed"),
        (begins, ends, "completed"),
    ):
        id = client.do("insert")
        if before is not None:
            before(connection, id)
        client.do("load", id=id)
        meanwhile(connection, id)
        seen = read(connection, id, *WORKER)
        client.do("save", changes={"priority": 20, "payload": {"n": 2}})
        assert read(connection, id, *WORKER) == seen
        assert read(connection, id, "status", "priority", "payload") == (status, 20, {"n": 2})


@pytest.mark.parametrize("orm", ORMS)
def test_a_save_with_nothing_between_changes_what_it_says(
    orm: str, start: Start, tcp_database_url: str, connect: Connect
) -> None:
    client, connection = start(command(orm, tcp_database_url)), connect()
    id = client.do("insert")
    client.do("load", id=id)
    client.do("save", changes={"priority": 10})
    client.do("save", changes={"status": "cancelled"})
    assert read(connection, id, "status", "priority") == ("cancelled", 10)
    client.do("load", id=id)
    client.do("save", changes={"status": "queued"})
    assert read(connection, id, "status", "finishedAt") == ("queued", None)


@pytest.mark.parametrize("orm", ORMS)
def test_a_running_job_is_cancelled_by_a_save_of_the_row_as_it_waited(
    orm: str, start: Start, tcp_database_url: str, connect: Connect
) -> None:
    client, connection = start(command(orm, tcp_database_url)), connect()
    id = client.do("insert")
    client.do("load", id=id)
    begins(connection, id)
    client.do("save", changes={"status": "cancelled"})
    assert read(connection, id, "status", "attempts", "workerId") == ("cancelled", 1, 7)


@pytest.mark.parametrize("orm", ORMS)
def test_the_producers_role_is_enough_for_its_insert(
    orm: str, start: Start, login: Login, connect: Connect
) -> None:
    client = start(command(orm, login("producer")))
    id = client.do("insert")
    client.do("load", id=id)
    eventually(lambda: read(connect(), id, "status", "type") == ("queued", "test"))
