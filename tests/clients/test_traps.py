"""What the pages of clients warn of is so: each client told, in a program of its own, what happened to it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable

import pytest

from tests.clients.conftest import Build, Town
from tests.clients.programs import generate

pytestmark = pytest.mark.long

Tell = Callable[..., dict[str, str]]

STATUS = "enum Status {\n  queued\n  processing\n  completed\n  failed\n  cancelled\n}\n"


@pytest.fixture
def tell(build: Build, town: Town) -> Tell:
    """Run a client's traps with the owner's address, or others: what it says of each."""

    def tell(client: str, *urls: str, pooled: bool = False) -> dict[str, str]:
        program = build(client)
        environment = os.environ | ({"POOLED": "1"} if pooled else {})
        command = [*program.traps, *(urls or [town.owner_url])]
        done = subprocess.run(command, cwd=program.folder, env=environment, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    return tell


def test_django(tell: Tell) -> None:
    told = tell("django")
    no_date = 'null value in column "runAt" of relation "jobs" violates not-null constraint'
    assert told == {"inspected": no_date, "undated": no_date, "dated": "True"}


def test_sqlalchemy(tell: Tell) -> None:
    told = tell("sqlalchemy")
    assert (told["without"], told["with"]) == ("null", "None")
    assert told["stays"] == "queued"
    assert told["refreshed"] == "cancelled"
    assert "jobs" in told["dropped"].split()
    assert told["kept"] == ""


def test_rails(tell: Tell) -> None:
    told = tell("rails")
    for moment in ("made", "read"):
        assert told[moment].startswith("ActiveRecord::SubclassNotFound")
    assert told["renamed"] == "late"
    assert (told["dumped"], told["dumped_triggers"], told["dumped_then"]) == ("true", "false", "people")


def test_prisma(tell: Tell, build: Build) -> None:
    folder = build("prisma").folder
    schema = (folder / "schema.prisma").read_text()
    schema = schema.replace("prisma-client-js", 'prisma-client-js"\n  output = "./generated')
    schema = re.sub(r'String   @default\("queued"\)', "Status @default(queued)", schema)
    (folder / "enum.prisma").write_text(schema + STATUS)
    generate(folder / "enum.prisma")
    told = tell("prisma")
    assert told["enum"].endswith('`type "public.Status" does not exist`')
    assert (told["id"], told["json"]) == ("bigint", "Do not know how to serialize a BigInt")
    assert (told["text"], told["alone"]) == ("true", "true")


def test_sequelize(tell: Tell) -> None:
    told = tell("sequelize")
    assert told == {"id": "string", "named": "false", "dated": "true", "alone": "true", "saved": "true"}


@pytest.mark.parametrize(
    ("driver", "bytes"), [("pgx", "<nil>"), ("pq", "pq: unsupported jsonb version number 123")]
)
def test_go(tell: Tell, driver: str, bytes: str) -> None:
    told = tell(driver, pooled=True)
    assert (told["bytes"], told["text"]) == (bytes, "<nil>")
    assert 'column "errormessage" does not exist' in told["unquoted"]


def test_java(tell: Tell, town: Town) -> None:
    town.connection.execute("CREATE ROLE few LOGIN PASSWORD 'few'")
    town.connection.execute("GRANT INSERT (type, payload), SELECT (id) ON jobs TO few")
    try:
        told = tell("java", town.owner_url, re.sub(r"//[^@]*@", "//few:few@", town.owner_url))
    finally:
        town.connection.execute("DROP OWNED BY few")
        town.connection.execute("DROP ROLE few")
    assert told.pop("string").endswith("is of type jsonb but expression is of type character varying")
    assert told.pop("unquoted").endswith('column "errormessage" does not exist')
    refused = told.pop("all_keys")
    assert refused.endswith("permission denied for table jobs")
    assert told == {"object": "1", "untyped": "1", "one_key": "true"}
