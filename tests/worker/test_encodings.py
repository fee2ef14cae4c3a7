"""Databases whose text is no UTF-8: all that can be done is done, one row never hides the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from rig.databases import new_database
from rig.fixtures import StartWorker
from rig.programs import run
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import PACKAGES
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table.migrate import migrate
from rowcrew.table.repair import found_differences

CREW = """
from rowcrew import Context, Crew
crew = Crew()

@crew.job("echo")
def echo(value: str, context: Context) -> str:
    context.progress(1, 1, "→")
    return value

@crew.job("fails")
def fails() -> None:
    raise ValueError("→ ü")
"""
# What a client sends that says nothing of its encoding, or lies: a lone byte of Latin-1.
FOREIGN = b"""INSERT INTO jobs (type, payload) VALUES ('echo', '{"value": "caf\xe9"}'), ('caf\xe9', '{}')"""

MakeDatabase = Callable[[str], str]


@pytest.fixture
def database_in(server: EmbeddedPostgres) -> Iterator[MakeDatabase]:
    """Makes a migrated database in an encoding; its address."""
    with ExitStack() as made:

        def database_in(encoding: str) -> str:
            name = made.enter_context(new_database(server, "encoded", encoding=encoding))
            migrate(server.url_of(name))
            return server.url_of(name)

        yield database_in


@pytest.fixture
def crew_path(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "of_letters.py").write_text(CREW)
    return {"PYTHONPATH": ":".join([str(tmp_path), *PACKAGES]), "POLL_INTERVAL": "0.2"}


def insert_foreign(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_encoding = 'SQL_ASCII'")
        connection.execute(FOREIGN)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_JP"])
def test_tables_are_made_and_found_whole(database_in: MakeDatabase, encoding: str) -> None:
    url = database_in(encoding)
    migrate(url)
    assert found_differences(url) == []


def test_in_sql_ascii_a_row_of_other_bytes_fails_alone_and_hides_nothing(
    database_in: MakeDatabase, start_worker: StartWorker, crew_path: dict[str, str]
) -> None:
    url = database_in("SQL_ASCII")
    insert_foreign(url)
    table = Table(f"{url}&client_encoding=UTF8")
    enqueued = run("enqueue", "echo", '{"value": "→ ü"}', "--json", DATABASE_URL=url)
    good = json.loads(enqueued.stdout)["id"]
    start_worker(url=url, crew="of_letters:crew", **crew_path)
    assert table.until(good, "completed")["result"] == "→ ü"
    foreign = good - 2
    assert eventually(lambda: table.rows("SELECT id FROM jobs WHERE id = %s AND status = 'failed'", foreign))
    table.close()

    listed = run("jobs", "list", "--json", DATABASE_URL=url)
    shown = {job["id"]: job for job in map(json.loads, listed.stdout.splitlines())}
    assert shown[good - 1]["type"] == "caf\N{REPLACEMENT CHARACTER}"
    assert "no worker can take this row" in shown[foreign]["errorMessage"]
    payload = json.loads(run("jobs", "show", str(foreign), "--json", DATABASE_URL=url).stdout)["payload"]
    assert payload == {"value": "caf\N{REPLACEMENT CHARACTER}"}
    told = run("doctor", DATABASE_URL=url).stdout
    assert "⚠️  encoding: SQL_ASCII checks no text" in told
    assert "type caf\N{REPLACEMENT CHARACTER}: 1 ready" in told
    assert run("jobs", "cancel", str(good - 1), DATABASE_URL=url).returncode == 0


def test_in_another_encoding_a_letter_that_it_lacks_changes_no_end(
    database_in: MakeDatabase, start_worker: StartWorker, crew_path: dict[str, str]
) -> None:
    url = database_in("LATIN1")
    insert_foreign(url)
    table = Table(f"{url}&client_encoding=UTF8")
    fails = table.enqueue("fails", maxAttempts=2)
    start_worker(url=url, crew="of_letters:crew", **crew_path)
    failed = table.until(fails, "failed")
    assert (failed["attempts"], failed["errorMessage"]) == (2, r"ValueError: \u2192 \xfc")
    assert table.until(fails - 2, "completed")["result"] == "café"
    table.close()
    refused = run("enqueue", "echo", '{"value": "→"}', DATABASE_URL=url)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert 'has no equivalent in encoding "LATIN1"' in refused.stderr
    assert "⚠️  encoding: LATIN1 lacks most letters" in run("doctor", DATABASE_URL=url).stdout
