"""What the pages of clients show, run with the real clients, as a login with just the producers' role."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from rig import pooler
from rig.pooler import Pooler
from tests.clients.conftest import Build, Client, Town, running
from tests.clients.programs import CLIENTS, PAGES, page_of

pytestmark = pytest.mark.long

needs_pooler = pytest.mark.skipif(pooler.PROGRAM is None, reason=pooler.MISSING)


@pytest.fixture(scope="module", params=CLIENTS)
def name(request: pytest.FixtureRequest) -> str:
    """The client's, which the people it signs up have as well: tests of all clients share a database."""
    return str(request.param)


@pytest.fixture(scope="module")
def client(name: str, build: Build, town: Town) -> Iterator[Client]:
    with running(build(name), town.producer_url) as client:
        yield client


def test_the_job_runs_and_its_result_is_read(client: Client, town: Town, name: str) -> None:
    status, result, error = client.ended(client.sign_up(f"Ada-{name}"))
    assert (status, json.loads(result), error) == ("completed", {"greeting": f"Hello, Ada-{name}!"}, "")
    assert town.one("SELECT count(*) FROM people WHERE name = %s", f"Ada-{name}") == 1


def test_the_job_is_there_only_if_the_person_is(client: Client, town: Town, name: str) -> None:
    client.sign_up(f"Bob-{name}")
    assert client.do("sign_up", f"Bob-{name}").startswith("error: ")
    assert town.one("SELECT count(*) FROM jobs WHERE payload->>'name' = %s", f"Bob-{name}") == 1


def test_the_person_is_there_only_if_the_job_is(client: Client, town: Town, name: str) -> None:
    town.connection.execute("REVOKE INSERT ON jobs FROM rowcrew_producer")
    refused = client.do("sign_up", f"Eve-{name}")
    town.connection.execute("GRANT INSERT ON jobs TO rowcrew_producer")
    assert refused.startswith("error: ")
    assert town.one("SELECT count(*) FROM people WHERE name = %s", f"Eve-{name}") == 0
    assert client.ended(client.sign_up(f"Eve-{name}"))[0] == "completed"


def test_a_job_that_waits_is_cancelled_once(client: Client, town: Town) -> None:
    id = town.one("INSERT INTO jobs (type) VALUES ('nobody_serves_this') RETURNING id")
    assert client.read(id) == ["queued", "", ""]
    assert client.cancel(id) == 1
    assert client.read(id) == ["cancelled", "", ""]
    assert client.cancel(id) == 0


@needs_pooler
def test_behind_a_pooler_the_client_is_set_as_its_page_says(
    build: Build, town: Town, pooler: Pooler, name: str
) -> None:
    url = pooler.url_of(town.connection.info.dbname)
    program = build(name)
    with running(program, url, pooled=True) as first, running(program, url, pooled=True) as second:
        for number in range(14):  # some clients prepare a statement when they send it for the sixth time
            id = (first, second)[number % 2].sign_up(f"Cy-{number}-{name}")
        assert second.ended(id)[0] == "completed"
        for _ in range(7):
            assert first.read(id) == second.read(id)


@pytest.mark.parametrize("python", ["django", "sqlalchemy"])
def test_enqueue_takes_the_connection_of_the_client(python: str, build: Build, town: Town) -> None:
    with running(build(python), town.producer_url) as client:
        id = int(client.do("greet", "Flo"))
        assert client.ended(id)[0] == "completed"


@pytest.mark.parametrize("whole", ["django", "sqlalchemy", "prisma"])
def test_a_stale_save_of_the_pages_model_undoes_nothing(whole: str, build: Build, town: Town) -> None:
    with running(build(whole), town.owner_url) as client:
        insert = (
            """INSERT INTO jobs (type, payload, "runAt") VALUES ('greet', '{"name": "Di"}', 'tomorrow')"""
        )
        id = town.one(f"{insert} RETURNING id")
        client.do("load", id)
        town.connection.execute('UPDATE jobs SET "runAt" = now() WHERE id = %s', [id])
        ended = client.ended(id)
        assert client.do("save", json.dumps({"name": "Ed"})) == "saved"
        assert client.read(id) == ended
        assert ended[0] == "completed"
        assert town.one("SELECT payload->>'name' FROM jobs WHERE id = %s", id) == "Ed"


def test_every_page_has_a_client_and_every_client_a_page() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} - {"README"} == {page_of(client) for client in CLIENTS}
