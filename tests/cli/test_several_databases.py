"""What commands do where DATABASE_URLS names several databases: they ask the one that is picked, or none."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from rig.databases import new_database
from rig.programs import run
from rowcrew.embedded import EmbeddedPostgres

HINT = "set ROWCREW_DATABASE to the one to ask: sales, stock"


@pytest.fixture(scope="module")
def urls(server: EmbeddedPostgres, migrated_template: str) -> Iterator[dict[str, str]]:
    with (
        new_database(server, "sales", template=migrated_template) as sales,
        new_database(server, "stock", template=migrated_template) as stock,
    ):
        yield {"sales": server.url_of(sales), "stock": server.url_of(stock)}


@pytest.fixture
def named(urls: dict[str, str]) -> str:
    return " ".join(f"{name}={url}" for name, url in urls.items())


@pytest.mark.parametrize(
    "words", [("monitor", "--once"), ("why", "1"), ("queues", "list"), ("migrate",), ("enqueue", "t", "{}")]
)
def test_a_command_that_asks_one_database_says_how_to_pick_it(words: tuple[str, ...], named: str) -> None:
    ended = run(*words, DATABASE_URLS=named)
    assert (ended.returncode, HINT in ended.stderr) == (2, True), ended.stderr


def test_the_doctor_says_so_as_a_check_and_examines_the_one_that_is_picked(
    named: str, urls: dict[str, str]
) -> None:
    checks = [json.loads(line) for line in run("doctor", "--json", DATABASE_URLS=named).stdout.splitlines()]
    [failed] = [one for one in checks if one["result"] == "failed"]
    assert HINT in json.dumps(failed)
    told = run("doctor", "--json", ROWCREW_DATABASE="stock", DATABASE_URLS=named)
    assert urls["stock"].partition("?")[0].rpartition("/")[2] in told.stdout
    wrong = run("doctor", "--json", ROWCREW_DATABASE="nowhere", DATABASE_URLS=named).stdout
    assert "does not name it" in wrong
    assert "is not set" not in wrong


def test_what_is_enqueued_goes_to_the_database_that_is_picked(named: str, urls: dict[str, str]) -> None:
    assert run("enqueue", "picked", "{}", ROWCREW_DATABASE="stock", DATABASE_URLS=named).returncode == 0
    assert {name: picked(url) for name, url in urls.items()} == {"sales": 0, "stock": 1}
    seen = run("monitor", "--once", "--json", ROWCREW_DATABASE="stock", DATABASE_URLS=named)
    assert json.loads(seen.stdout)["queues"]


def test_users_of_the_web_are_those_of_the_first_database(named: str, urls: dict[str, str]) -> None:
    added = run(
        "web", "users", "add", "ann", "--password-stdin", stdin="correct horse\n", DATABASE_URLS=named
    )
    assert added.returncode == 0, added.stderr
    assert {name: users(url) for name, url in urls.items()} == {"sales": 1, "stock": 0}


def test_the_web_refuses_one_database_beside_several(named: str, urls: dict[str, str]) -> None:
    ended = run("web", "--port", "0", DATABASE_URL=urls["sales"], DATABASE_URLS=named)
    assert ended.returncode == 2
    assert "DATABASE_URL is for one database" in ended.stderr


def picked(url: str) -> int:
    return count(url, "SELECT count(*) FROM jobs WHERE type = 'picked'")


def users(url: str) -> int:
    return count(url, "SELECT count(*) FROM web_users")


def count(url: str, statement: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0])
