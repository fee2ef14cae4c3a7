"""Row level security can make a table look empty: whoever asks is told so, with the remedy."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from rig.programs import run
from rowcrew.embedded import EmbeddedPostgres
from tests.conftest import Connect
from tests.contract.hands import insert

POLICY = "CREATE POLICY rowcrew ON jobs TO {} USING (true) WITH CHECK (true)"


@pytest.fixture
def role(server: EmbeddedPostgres, connect: Connect) -> Iterator[str]:
    """A role that may do anything with the tables, and lies under their row level security."""
    name = f"worker_{uuid.uuid4().hex[:8]}"
    owner = connect()
    owner.execute(f"CREATE ROLE {name} LOGIN")
    owner.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")
    owner.execute("ALTER TABLE jobs ENABLE ROW LEVEL SECURITY")
    yield name
    owner.execute(f"DROP OWNED BY {name}")
    owner.execute(f"DROP ROLE {name}")


@pytest.fixture
def role_url(database_url: str, role: str) -> str:
    user = psycopg.conninfo.conninfo_to_dict(database_url)["user"]
    return database_url.replace(f"//{user}", f"//{role}", 1)


def doctors_rows(url: str) -> dict[str, str] | None:
    printed = run("doctor", "--json", DATABASE_URL=url).stdout.splitlines()
    return next((line for line in map(json.loads, printed) if line["name"] == "rows"), None)


def test_without_a_policy_everybody_names_it_and_the_remedy(
    connect: Connect, role: str, role_url: str
) -> None:
    id = insert(connect())
    worker = run("worker", "tests.cli.handlers:crew", DATABASE_URL=role_url)
    why, show = (run(*words, str(id), DATABASE_URL=role_url) for words in (["why"], ["jobs", "show"]))
    assert (worker.returncode, why.returncode, show.returncode) == (1, 1, 1)
    told = doctors_rows(role_url)
    assert told is not None
    assert told["result"] == "failed"
    for text in (worker.stdout, why.stderr, show.stderr, " ".join(told.values())):
        assert f"row level security hides every row of jobs from the role {role}" in text
        assert POLICY.format(role) in text


def test_the_remedy_lets_the_worker_see_the_rows(connect: Connect, role: str, role_url: str) -> None:
    connect().execute(POLICY.format(role))
    id = insert(connect())
    assert f"Job {id}" in run("why", str(id), DATABASE_URL=role_url).stdout
    told = doctors_rows(role_url)
    assert told is not None
    assert (told["result"], "only some rows of jobs" in told["what"]) == ("warning", True)


def test_owners_and_tables_without_it_hear_nothing(connect: Connect, role: str, database_url: str) -> None:
    assert doctors_rows(database_url) is None
