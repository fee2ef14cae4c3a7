"""The doctor asks for the rights that the shipped role of a worker has: all of them, and no others."""

from __future__ import annotations

import json

import pytest

from rig.logins import Login
from rowcrew.cli import main
from rowcrew.family import installed
from rowcrew.table import operator
from rowcrew.table.link import Link
from rowcrew.table.rights import worker_rights
from tests.conftest import Connect
from tests.contract.hands import insert

GRANTED = """
    SELECT privilege_type || ' ON ' || quote_ident(table_name)
      FROM information_schema.role_table_grants WHERE grantee = 'rowcrew_worker'
    UNION ALL
    SELECT privilege_type || ' (' || string_agg(quote_ident(attname), ', ') || ') ON ' || attrelid::regclass
      FROM pg_attribute, aclexplode(attacl) AS given
     WHERE given.grantee = 'rowcrew_worker'::regrole
     GROUP BY attrelid, privilege_type
"""


def in_order(right: str) -> str:
    """The same with its columns sorted."""
    head, bracket, rest = right.partition(" (")
    columns, _, table = rest.partition(") ON ")
    return f"{head} ({', '.join(sorted(columns.split(', ')))}) ON {table}" if bracket else right


@pytest.mark.anyio
async def test_a_workers_role_lacks_nothing_and_without_its_rights_all_of_them(
    login: Login, connect: Connect
) -> None:
    worker = Link(login("worker"), purpose="test")
    families = worker_rights(installed())
    try:
        assert await operator.missing_rights(worker, **families) == []
        granted = {in_order(right) for (right,) in connect().execute(GRANTED).fetchall()}
        connect().execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM rowcrew_worker")
        assert {in_order(right) for right in await operator.missing_rights(worker, **families)} == granted
    finally:
        await worker.close()


@pytest.mark.parametrize(
    ("right", "named"),
    [("DELETE ON workers", "DELETE ON workers"), ("UPDATE (result) ON jobs", "UPDATE (result) ON jobs")],
)
def test_a_right_that_is_missing_is_named(
    login: Login,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    right: str,
    named: str,
) -> None:
    connect().execute(f"REVOKE {right} FROM rowcrew_worker")
    monkeypatch.setenv("DATABASE_URL", login("worker"))
    assert main(["doctor", "--json"]) == 1
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["name"], last["what"]) == ("rights", f"the role lacks {named}")
    assert "roles" in last["remedy"]


@pytest.mark.parametrize("role", ["producer", "reader"])
def test_a_role_that_is_no_workers_is_told_by_the_first_table_it_may_not_read(
    login: Login, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], role: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", login(role))
    assert main(["doctor"]) == 1
    assert "permission denied for table rowcrew_schema" in capsys.readouterr().out.splitlines()[-1]


def test_a_reader_may_list_queues_and_a_worker_may_ask_why(
    login: Login, connect: Connect, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    id = insert(connect())
    monkeypatch.setenv("DATABASE_URL", login("reader"))
    assert main(["queues", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["queued"] == 1
    monkeypatch.setenv("DATABASE_URL", login("worker"))
    assert main(["why", str(id)]) == 0
    assert main(["doctor"]) == 0
