"""Addresses as producers write them: psycopg and SQLAlchemy reach one place, and logs keep the secret."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import psycopg
import psycopg.sql
import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from rowcrew.embedded import EmbeddedPostgres
from rowcrew.settings import readers
from rowcrew.table.address import for_psycopg, for_sqlalchemy, without_password

FORMS = [
    ("postgres://me:pw@host/db", {"user": "me", "password": "pw", "host": "host", "dbname": "db"}),
    (
        "postgresql://me:pw@host:6432/db",
        {"user": "me", "password": "pw", "host": "host", "port": "6432", "dbname": "db"},
    ),
    ("postgresql+psycopg://host/db", {"host": "host", "dbname": "db"}),
    ("postgresql+asyncpg://host/db", {"host": "host", "dbname": "db"}),
    ("postgresql://", {}),
    ("postgresql://host", {"host": "host"}),
    ("postgresql:///db", {"dbname": "db"}),
    ("postgresql://me@/db?host=/var/run/pg", {"user": "me", "dbname": "db", "host": "/var/run/pg"}),
    ("postgresql://%2Fvar%2Frun%2Fpg/db", {"dbname": "db", "host": "/var/run/pg"}),
    (
        "postgresql://me@/db?host=%2Ftmp%2Fpg&port=5433",
        {"user": "me", "dbname": "db", "host": "/tmp/pg", "port": "5433"},
    ),
    (
        "postgresql://me:p%40ss%2Fw%3Fr%25d@host/db",
        {"user": "me", "password": "p@ss/w?r%d", "host": "host", "dbname": "db"},
    ),
    (
        "postgresql://a%40b:c%3Ad@host/my%20db",
        {"user": "a@b", "password": "c:d", "host": "host", "dbname": "my db"},
    ),
    (
        "postgresql://me@a:1,b:2/db?target_session_attrs=read-write",
        {"user": "me", "host": "a,b", "port": "1,2", "dbname": "db", "target_session_attrs": "read-write"},
    ),
    ("postgresql://me@a,b/db", {"user": "me", "host": "a,b", "port": ",", "dbname": "db"}),
    ("postgresql://[::1]:5433/db", {"host": "::1", "port": "5433", "dbname": "db"}),
    (
        "postgresql://host/db?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        {"host": "host", "dbname": "db", "sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"},
    ),
    (
        "postgresql://host/db?user=me&password=p%26w",
        {"host": "host", "dbname": "db", "user": "me", "password": "p&w"},
    ),
    (
        "postgresql://host/db?options=-c%20statement_timeout%3D5s",
        {"host": "host", "dbname": "db", "options": "-c statement_timeout=5s"},
    ),
    ("postgres://host/db?schema=public&pgbouncer=true&connection_limit=1", {"host": "host", "dbname": "db"}),
    (
        "postgres://host/db?schema=jobs_of_us&sslmode=require",
        {"host": "host", "dbname": "db", "sslmode": "require", "options": "-csearch_path=jobs_of_us"},
    ),
    ("postgres://host/db?schema=MyApp", {"host": "host", "dbname": "db", "options": '-csearch_path="MyApp"'}),
    (
        "postgres://host/db?schema=tenant%201",
        {"host": "host", "dbname": "db", "options": '-csearch_path="tenant\\ 1"'},
    ),
    (
        "postgres://host/db?schema=other&options=-c%20work_mem%3D8MB",
        {"host": "host", "dbname": "db", "options": "-c work_mem=8MB -csearch_path=other"},
    ),
    ("postgresql+asyncpg://host/db?ssl=disable", {"host": "host", "dbname": "db", "sslmode": "disable"}),
    ("postgres://host/db?ssl=true&pool=5", {"host": "host", "dbname": "db", "sslmode": "require"}),
    ("postgres://host/db?sslmode=no-verify", {"host": "host", "dbname": "db", "sslmode": "require"}),
    (
        "postgres://host/db?sslmode=verify-full&ssl=true&prepared_statements=false&encoding=utf8",
        {"host": "host", "dbname": "db", "sslmode": "verify-full"},
    ),
]
SCHEMAS = ["MyApp", "tenant 1", 'quo"ted', "back\\slash", "select", "ärger", "a,b", "plain"]


@pytest.mark.parametrize(("url", "meant"), FORMS)
def test_psycopg_reads_what_was_meant(url: str, meant: dict[str, str]) -> None:
    assert conninfo_to_dict(for_psycopg(url)) == meant


def sqlalchemy_arguments(url: str) -> dict[str, str]:
    parsed = sqlalchemy.make_url(for_sqlalchemy(url))
    assert parsed.drivername == "postgresql+psycopg"
    dialect: Any = parsed.get_dialect()()
    _, arguments = dialect.create_connect_args(parsed)
    return {name: str(value) for name, value in arguments.items() if name != "context"}


@pytest.mark.parametrize(("url", "meant"), FORMS)
def test_sqlalchemy_connects_to_the_same_place(url: str, meant: dict[str, str]) -> None:
    of_several = {"target_session_attrs": "read-write"} if "," in meant.get("host", "") else {}
    assert sqlalchemy_arguments(url) == of_several | meant


@given(
    user=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
    password=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
)
def test_any_user_and_password_arrive_whole(user: str, password: str) -> None:
    url = f"postgres://{quote(user, safe='')}:{quote(password, safe='')}@host/db"
    for arguments in (conninfo_to_dict(for_psycopg(url)), sqlalchemy_arguments(url)):
        assert (arguments["user"], arguments["password"]) == (user, password)
    assert without_password(url) == f"postgres://{quote(user, safe='')}@host/db"


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_schema_of_any_name_is_where_its_sessions_begin(
    server: EmbeddedPostgres, database: str, schema: str
) -> None:
    url = server.url_of(database)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE SCHEMA {}").format(psycopg.sql.Identifier(schema)))
    address = f"{url}{'&' if '?' in url else '?'}schema={quote(schema, safe='')}&options=-c%20work_mem%3D8MB"
    with psycopg.connect(for_psycopg(address)) as connection:
        found = connection.execute("SELECT current_schema(), current_setting('work_mem')").fetchone()
    engine = sqlalchemy.create_engine(for_sqlalchemy(address), poolclass=sqlalchemy.NullPool)
    with engine.connect() as session:
        assert session.scalar(sqlalchemy.text("SELECT current_schema()")) == schema
    assert found == (schema, "8MB")


@pytest.mark.parametrize("quotes", ['"', "'"])
def test_an_address_in_quotes_is_read_without_them(quotes: str) -> None:
    assert readers.address(f"{quotes}postgresql://host/db{quotes}") == "postgresql://host/db"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:pw@host:5432/db", "postgresql://me@host:5432/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"),
        ("postgresql://host:5432/db?user=a@b", "postgresql://host:5432/db?user=a@b"),
        ("postgresql://a:1,b:2/db", "postgresql://a:1,b:2/db"),
        ("postgresql://[::1]:5432/db", "postgresql://[::1]:5432/db"),
        ("postgresql://me:12345@host/db", "postgresql://me@host/db"),
        ("postgresql://me:not@escaped/at?all@host/db", "postgresql://me@host/db"),
        ("postgresql://:pw@host/db", "postgresql://@host/db"),
        (
            "postgresql://host/db?password=pw&sslmode=require&sslpassword=pw2",
            "postgresql://host/db?password=***&sslmode=require&sslpassword=***",
        ),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
