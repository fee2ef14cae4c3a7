"""The worker's grants follow its statements: every one is allowed, and no right is there that none needs.

PostgreSQL is asked, not the text: EXPLAIN, or a COPY of nothing, checks the rights to every table and column
that a statement reads or writes, and changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from rig.logins import As
from rowcrew.family import installed
from rowcrew.sql import Statements
from rowcrew.table.rights import worker_rights
from rowcrew.table.statements import SQL
from tests.conftest import Connect

Connection = psycopg.Connection[tuple[Any, ...]]

PACKAGES = [one.package for one in installed() if (resources.files(one.package) / "sql").is_dir()]
EXPLAINED = re.compile(r"(--.*\n)*\s*(SELECT|INSERT|UPDATE|DELETE|WITH|COPY)\b")
# What a family keeps in sql/operator/ only commands send, with the rights of an operator.
OF_OTHERS = ((SQL, ("demo/", "migration/")), *((Statements(one), ("operator/",)) for one in PACKAGES))
# Where pgvector is, which brings the type; of the tables it reads what nearest_by_array reads.
OF_AN_EXTENSION = frozenset({"nearest_by_pgvector"})
# Holds what a model asks, and is sent as another role.
OF_ANOTHER_ROLE = frozenset({"rows_of"})
# What users and sessions of the web prove is for the owner's eyes; anybody may ask whether there is a login.
# And a worker cannot change what a producer asked for.
OF_THE_OWNER = frozenset(name for name in SQL if name.startswith("web_users/")) - {"web_users/has_users"} | {
    "operator/requeue_edited"
}
STATEMENTS = {
    name: text
    for statements, of_others in OF_OTHERS
    for name, text in sorted(statements.items())
    if not name.startswith(of_others)
    and name not in OF_AN_EXTENSION | OF_ANOTHER_ROLE | OF_THE_OWNER
    and EXPLAINED.match(text)
}
RIGHTS = """
    SELECT relname, privilege_type, NULL
      FROM pg_class, aclexplode(relacl) AS given
     WHERE given.grantee = 'rowcrew_worker'::regrole AND relkind = 'r'  -- views are for people
    UNION ALL
    SELECT attrelid::regclass::text, privilege_type, attname
      FROM pg_attribute, aclexplode(attacl) AS given
     WHERE given.grantee = 'rowcrew_worker'::regrole
"""


def explain(connection: Connection, statement: str) -> None:
    if "\nCOPY " in statement:  # cannot be explained; nothing is copied
        with connection.cursor().copy(statement):
            return
    nothing = dict.fromkeys(re.findall(r"%\((\w+)\)s", statement))
    connection.execute(f"EXPLAIN {statement}", nothing)


def is_allowed(connection: Connection, statement: str) -> bool:
    try:
        explain(connection, statement)
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def refused(connection: Connection, *, naming: Sequence[str] = ()) -> Iterator[str]:
    """One after the other, those that name most of these words first: to explain all takes long."""

    def unnamed(name: str) -> int:
        return sum(word not in STATEMENTS[name] for word in naming)

    for name in sorted(STATEMENTS, key=unnamed):
        if not is_allowed(connection, STATEMENTS[name]):
            yield name


def missing(connection: Connection) -> list[str]:
    """What the doctor finds that this role lacks."""
    needed = worker_rights(installed())
    return [row[0] for row in connection.execute(SQL["operator/missing_rights"], needed)]


def test_the_workers_role_may_send_every_statement(as_role: As) -> None:
    worker = as_role("worker")
    assert len(STATEMENTS) > 40
    assert list(refused(worker)) == []
    assert missing(worker) == []


def test_no_handler_reaches_the_statements_of_an_operator() -> None:
    reached = []
    for package in PACKAGES:
        texts = {path.stem: path.read_text() for path in Path(str(resources.files(package))).glob("*.py")}
        senders = [module for module, text in texts.items() if 'SQL["operator/' in text]
        reached += [
            f"{module} imports {sender}"
            for sender in senders
            for module, text in texts.items()
            if re.search(rf"import {sender}\b|\.{sender} import", text)
        ]
    assert reached == []


def test_every_right_of_the_workers_role_is_needed_and_missed_by_the_doctor(
    as_role: As, connect: Connect
) -> None:
    worker, owner = as_role("worker"), connect()
    rights = owner.execute(RIGHTS).fetchall()
    assert len(rights) > 40
    for table, privilege, column in rights:
        right = sql.SQL(privilege) + (
            sql.SQL(" ({})").format(sql.Identifier(column)) if column else sql.SQL("")
        )
        place = sql.Identifier(table)
        owner.execute(sql.SQL("REVOKE {} ON {} FROM rowcrew_worker").format(right, place))
        naming = [word for word in (table, privilege, column) if word]
        assert any(refused(worker, naming=naming)), f"no statement needs {privilege} on {table}.{column}"
        assert missing(worker), f"the doctor does not miss {privilege} on {table}.{column}"
        owner.execute(sql.SQL("GRANT {} ON {} TO rowcrew_worker").format(right, place))
