"""`rowcrew doctor`: each thing that can be wrong is told apart from the others, with its remedy."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, LiteralString
from urllib.parse import quote

import psycopg
import pytest

from rig.databases import new_database
from rig.logins import Login
from rig.pooler import MISSING, PROGRAM, Pooler
from rig.ports import free_port
from rig.proxy import OPENING_ANSWERS, Proxy
from rig.staging import past_triggers
from rowcrew.admin.checks import extras_checks
from rowcrew.admin.database_checks import clock_check, server_checks
from rowcrew.admin.sameness import place
from rowcrew.admin.trouble import trouble
from rowcrew.cli import main
from rowcrew.cli.doctor import effective
from rowcrew.cli.wording import worded
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.family import variables
from rowcrew.settings import given, made_of
from rowcrew.settings.variables import VARIABLES
from rowcrew.table.compatibility import SCHEMA_REVISION
from rowcrew.table.migrate import migrate
from rowcrew.table.rows import Server
from rowcrew.table.statements import SQL
from tests.conftest import Connect
from tests.contract.hands import insert, job_in, register_worker

Check = dict[str, str]
Doctor = Callable[..., tuple[int, list[Check]]]

EVERY_VARIABLE = (*VARIABLES, *variables())
SECRET = "canary-7f3a"
HEALTHY = [
    "settings",
    "libraries",
    "environment",
    "address",
    "connection",
    "server",
    "clocks",
    "schema",
    "rights",
    "vacuum",
]


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Ask the doctor about an address; the exit code and the checks."""
    for variable in EVERY_VARIABLE:
        for name in variable.names:
            monkeypatch.delenv(name, raising=False)

    def doctor(url: str | None, *options: str, **variables: str) -> tuple[int, list[Check]]:
        for name, value in ({"DATABASE_URL": url} if url else {}).items() | variables.items():
            monkeypatch.setenv(name, value)
        code = main(["doctor", "--json", *options])
        printed = capsys.readouterr()
        assert printed.err == ""
        assert SECRET not in printed.out
        return code, [json.loads(line) for line in printed.out.splitlines()]

    return doctor


def failed(checks: list[Check]) -> list[Check]:
    return [check for check in checks if check["result"] == "failed"]


# Nothing is wrong.


def test_a_healthy_database_passes_every_check_in_order(doctor: Doctor, tcp_database_url: str) -> None:
    code, checks = doctor(tcp_database_url)
    assert code == 0
    assert [check["name"] for check in checks] == [*HEALTHY, "queues"]
    assert {check["result"] for check in checks} == {"ok"}


def test_the_address_is_shown_without_its_password(doctor: Doctor, tcp_database_url: str) -> None:
    password = str(psycopg.conninfo.conninfo_to_dict(tcp_database_url)["password"])
    parts = psycopg.conninfo.conninfo_to_dict(tcp_database_url)
    _, checks = doctor(tcp_database_url)
    shown = f"host 127.0.0.1, port {parts['port']}, database {parts['dbname']}, role postgres"
    assert checks[3] == {"name": "address", "result": "ok", "what": shown, "remedy": ""}
    assert password not in json.dumps(checks)


def test_people_get_one_line_a_check(
    doctor: Doctor,
    empty_database: str,
    server: EmbeddedPostgres,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    _, checks = doctor(server.url_of(empty_database))
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(checks)
    assert lines[0].startswith("✅ settings: ")
    assert lines[-1].startswith("❌ schema: the database has no schema")
    assert lines[-1].endswith(" → run rowcrew migrate")


def test_on_a_terminal_a_long_check_goes_on_below_its_name(
    doctor: Doctor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, checks = doctor(None)
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert len([line for line in lines if not line.startswith("   ")]) == len(checks) < len(lines)


# No connection.


def test_variables_that_handlers_do_not_see_are_named_without_their_values(doctor: Doctor) -> None:
    _, checks = doctor(None, STRIPE_KEY=SECRET, LANG="C", XDG_SEAT="0")
    [told] = [check for check in checks if check["name"] == "environment"]
    assert "STRIPE_KEY" in told["what"]
    assert "LANG" not in told["what"]
    assert "XDG_SEAT" not in told["what"]
    assert "RUNNER_ENVIRONMENT" in told["remedy"]
    _, checks = doctor(None, RUNNER_ENVIRONMENT="STRIPE_*")
    [told] = [check for check in checks if check["name"] == "environment"]
    assert "STRIPE_KEY" not in told["what"]


def test_without_an_address_the_variable_is_named(doctor: Doctor) -> None:
    code, checks = doctor(None)
    assert code == 1
    assert [check["what"] for check in failed(checks)] == ["DATABASE_URL is not set"]


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://app:{SECRET}/half@db/app",  # the slash cuts the address
        f"postgresql://app:{SECRET}%zz@db/app",
        f"postgresql://app:{SECRET}@[::1/app",
        f"postgresql://app:{SECRET}@db:port/app",
    ],
)
def test_an_address_that_cannot_be_read_is_not_quoted(doctor: Doctor, url: str) -> None:
    code, checks = doctor(url)
    assert code == 1
    [check] = failed(checks)
    assert check["name"] == "address"
    assert "percent-encode" in check["remedy"]


def test_an_address_of_another_kind_of_database_is_a_wrong_setting(doctor: Doctor) -> None:
    code, checks = doctor(f"mysql://app:{SECRET}@db/app")
    assert code == 1
    assert failed(checks)[0]["what"] == "DATABASE_URL=…"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("name", (r"127\.0\.0\.1", "nohost.invalid")),
        ("refused", (r"127\.0\.0\.1:\d+", "127.0.0.1:{closed}")),
        ("password", (r":[^:@]*@", f":{SECRET}@")),
        ("password", (r"//[^@]*@", f"//nobody:{SECRET}@")),
        ("database", (r"/\w+$", "/no_such_database")),
        ("tls", (r"$", "?sslmode=require")),
    ],
)
def test_the_troubles_of_a_connection_are_told_apart(
    doctor: Doctor, tcp_database_url: str, kind: str, change: tuple[str, str]
) -> None:
    pattern, replacement = change
    url = re.sub(pattern, replacement.format(closed=free_port()), tcp_database_url, count=1)
    code, checks = doctor(url)
    assert code == 1
    [check] = failed(checks)
    assert check["name"] == f"connection: {kind}"
    assert check["remedy"]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("FATAL:  sorry, too many clients already", "full"),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "full"),
        ('FATAL:  role "app" is not permitted to log in', "role"),
        ('FATAL:  role "app" does not exist', "role"),
        ("FATAL:  SSL/TLS required", "tls"),
        ("SSL error: certificate verify failed", "tls"),
        ('server certificate for "a" does not match host name "b"', "tls"),
        ('FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "app", database "app", no encryption', "tls"),
        (
            'FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "app", database "app", SSL encryption',
            "access",
        ),
        ("FATAL:  the database system is starting up", "starting"),
        ("connection timeout expired", "network"),
        ("server closed the connection unexpectedly", "stranger"),
        ('FATAL:  permission denied for database "app"', "database"),
        ("FATAL:  Passwort-Authentifizierung fehlgeschlagen", "other"),
    ],
)
def test_what_a_server_may_say_is_known(words: str, kind: str) -> None:
    told = trouble(psycopg.OperationalError(f"connection failed: {words}\nmore lines"))
    assert (told.kind, bool(told.remedy), "more lines" in told.what) == (kind, True, False)


def test_of_several_hosts_the_one_that_came_furthest_decides(doctor: Doctor, tcp_database_url: str) -> None:
    url = re.sub(r"@127\.0\.0\.1:", f"@127.0.0.1:{free_port()},127.0.0.1:", tcp_database_url)
    _, checks = doctor(re.sub(r":[^:@]*@", f":{SECRET}@", url))
    assert failed(checks)[0]["name"] == "connection: password"


def test_a_host_that_does_not_answer_is_not_waited_for_as_long_as_the_address_allows(
    doctor: Doctor, tcp_database_url: str
) -> None:
    with Proxy(tcp_database_url) as silent, Proxy(tcp_database_url) as falls_silent:
        silent.mute()
        falls_silent.lose(1, seed=1, purpose="admin", spared=OPENING_ANSWERS - 1)
        places = [place(url) for url in (tcp_database_url, silent.url, falls_silent.url)]
        hosts = ",".join(f"{one.host}:{one.port}" for one in places if one)
        url = re.sub(r"@[^/]*/", f"@{hosts}/", tcp_database_url)
        _, checks = doctor(f"{url}?connect_timeout=0")
    [told] = [check for check in checks if check["name"] == "hosts"]
    assert told["result"] == "warning"
    assert told["what"].count("takes writes") == 1
    assert told["what"].count("(out of reach: no answer within 5 seconds)") == 2


# Settings and libraries.


def test_every_wrong_variable_is_named_and_the_other_checks_go_on(doctor: Doctor, database_url: str) -> None:
    wrong = {"POLL_INTERVAL": "soon", "WORKER_CONCURRENCY": "-1", "AWS_ACCESS_KEY_ID": "AKIA"}
    code, checks = doctor(database_url, **wrong)
    assert code == 1
    assert [check["what"] for check in failed(checks)] == [
        "WORKER_CONCURRENCY='-1'",
        "POLL_INTERVAL='soon'",
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY",
    ]
    assert all(check["remedy"] for check in failed(checks))
    assert checks[-1]["name"] == "queues"


def test_settings_are_shown_with_where_they_come_from_and_secrets_masked(
    doctor: Doctor, tcp_database_url: str
) -> None:
    variables = {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "JOB_POLL_INTERVAL": "1m",
        "JOB_QUEUE_NAME": "mails",
        "URL_ALLOW_PRIVATE": "10.0.0.0/8, ::1",
    }
    url = re.sub(r":[^:@]*@", f":{SECRET}@", tcp_database_url)
    code, rows = doctor(url, "--settings", **variables)
    assert code == 0
    shown = {row["variable"]: (row["value"], row["source"]) for row in rows}
    assert list(shown) == [variable.names[0] for variable in EVERY_VARIABLE]
    assert shown["DATABASE_URL"] == (url.replace(f":{SECRET}", ""), "DATABASE_URL")
    assert shown["AWS_SECRET_ACCESS_KEY"] == ("…", "AWS_SECRET_ACCESS_KEY")
    assert shown["POLL_INTERVAL"] == ("60", "JOB_POLL_INTERVAL")
    assert shown["WORKER_QUEUES"] == ("mails", "JOB_QUEUE_NAME")
    assert shown["URL_ALLOW_PRIVATE"] == ("10.0.0.0/8, ::1/128", "URL_ALLOW_PRIVATE")
    assert shown["WORKER_CONCURRENCY"] == ("4", "default")
    assert shown["SHUTDOWN_GRACE"] == ("25", "default")


def test_settings_that_are_wrong_follow_the_list_of_them(doctor: Doctor) -> None:
    code, rows = doctor(None, "--settings", LOG_FORMAT="xml")
    assert code == 1
    assert {row["value"] for row in rows if row.get("variable") == "LOG_FORMAT"} == {"…"}
    assert [row["what"] for row in rows if "what" in row] == ["LOG_FORMAT='xml'", "DATABASE_URL is not set"]


def test_no_setting_shows_a_secret_whatever_its_form() -> None:
    urls = {
        "DATABASE_DIRECT_URL": f"postgresql://a:{SECRET}@b/c?sslpassword={SECRET}",
        "AWS_ENDPOINT_URL": f"https://a:{SECRET}@b",
    }
    keys = {"ENCRYPTION_KEY": "5e" * 32, "ENCRYPTION_KEY_PREVIOUS": "6f" * 32}
    environment = {**urls, **keys, "AWS_SECRET_ACCESS_KEY": SECRET}
    own = given(environment)
    found = [*own, *given(environment, variables())]
    told = str(effective(found, made_of(own, {})))
    assert not [secret for secret in (SECRET, *keys.values()) if secret in told]


def test_a_library_that_cannot_be_imported_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pptx", None)
    [check] = extras_checks()
    assert (check.result, worded(check.remedies)) == ("warning", "pip install 'rowcrew[reports]'")
    assert check.what.startswith("pptx_export cannot run, because pptx cannot be imported")


# Schema, rights, server.


def test_missing_tables_are_told(doctor: Doctor, server: EmbeddedPostgres, empty_database: str) -> None:
    code, checks = doctor(server.url_of(empty_database))
    [check] = failed(checks)
    assert (code, check["name"], check["remedy"]) == (1, "schema", "run rowcrew migrate")


@pytest.mark.parametrize(
    ("revision", "minimum", "result", "remedy"),
    [
        (SCHEMA_REVISION - 1, 1, "failed", "run rowcrew migrate"),
        (SCHEMA_REVISION + 1, SCHEMA_REVISION, "warning", "upgrade rowcrew when it suits"),
        (SCHEMA_REVISION + 1, SCHEMA_REVISION + 1, "failed", "upgrade rowcrew"),
    ],
)
def test_a_schema_of_another_revision_is_told_with_the_direction(
    doctor: Doctor, database_url: str, connect: Connect, revision: int, minimum: int, result: str, remedy: str
) -> None:
    connect().execute('UPDATE rowcrew_schema SET revision = %s, "minimumWorker" = %s', [revision, minimum])
    code, checks = doctor(database_url)
    check = next(check for check in checks if check["name"] == "schema")
    assert (code, check["result"], check["remedy"]) == (int(result == "failed"), result, remedy)
    assert str(revision) in check["what"]


def test_tables_in_a_schema_off_the_search_path_are_found(
    doctor: Doctor, database_url: str, connect: Connect
) -> None:
    connect().execute("CREATE SCHEMA app")
    connect().execute("ALTER TABLE rowcrew_schema SET SCHEMA app")
    _, checks = doctor(database_url)
    assert "the schema app" in failed(checks)[0]["what"]
    assert "?schema=app" in failed(checks)[0]["remedy"]


@pytest.mark.parametrize("schema", ["public", "My App"])
def test_what_is_advised_for_tables_off_the_search_path_shows_them(
    doctor: Doctor, server: EmbeddedPostgres, empty_database: str, schema: str
) -> None:
    url = server.url_of(empty_database)
    more = url + ("&" if "?" in url else "?")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'.encode())
        migrate(f"{more}schema={quote(schema)}")
        owner.execute(f"ALTER DATABASE {empty_database} SET search_path = elsewhere".encode())
    [hidden] = failed(doctor(url)[1])
    asked = re.findall(r"\?(\S+)", hidden["remedy"])[0]
    _, checks = doctor(more + asked)
    assert [check["result"] for check in checks if check["name"] == "schema"] == ["ok"]


def test_a_server_that_takes_no_writes_is_told_and_the_doctor_needs_none(
    doctor: Doctor, database: str, database_url: str, connect: Connect
) -> None:
    register_worker(connect())
    insert(connect())
    connect().execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    code, checks = doctor(database_url, "--deploy")
    assert code == 1
    [check] = failed(checks)
    assert "takes no writes" in check["what"]
    assert "queue default, type test" in [check["name"] for check in checks]


def test_text_of_a_database_in_sql_ascii_is_text(doctor: Doctor, server: EmbeddedPostgres) -> None:
    with new_database(server, "plain", encoding="SQL_ASCII") as name:
        _, checks = doctor(server.url_of(name))
    assert checks[4]["what"] == f"database {name} as postgres, without TLS"


@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_a_pooler_is_noticed_and_the_direct_address_is_its_remedy(
    doctor: Doctor, tcp_database_url: str, database: str
) -> None:
    with Pooler(tcp_database_url) as pooler:
        code, checks = doctor(pooler.url_of(database), "--expect-url", tcp_database_url)
        [check] = [check for check in checks if check["result"] == "warning"]
        assert (code, check["name"]) == (0, "pooler")
        assert "DATABASE_DIRECT_URL" in check["remedy"]
        assert next(check["result"] for check in checks if check["name"] == "--expect-url") == "ok"
        _, checks = doctor(pooler.url_of(database), DATABASE_DIRECT_URL=tcp_database_url)
    assert {check["name"]: check["result"] for check in checks}.items() >= {
        "pooler": "ok",
        "DATABASE_DIRECT_URL": "ok",
    }.items()


@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_an_isolation_that_a_pooler_keeps_from_being_settled_is_told(
    doctor: Doctor, tcp_database_url: str, database: str, connect: Connect
) -> None:
    connect().execute(
        f"ALTER DATABASE {database} SET default_transaction_isolation = 'serializable'".encode()
    )
    with Pooler(tcp_database_url) as pooler:
        _, checks = doctor(pooler.url_of(database))
    [told] = [check for check in checks if check["name"] == "isolation"]
    assert told["result"] == "warning"
    assert told["what"].startswith("transactions are serializable by default")
    assert "isolation" not in [check["name"] for check in doctor(tcp_database_url)[1]]


def a_server(version: str, number: int) -> Server:
    return Server(version, number, "app", "app", datetime.now(UTC), "UTF8", False, "read committed", 97, 10)


@pytest.mark.parametrize(
    ("version", "number", "result", "named"),
    [
        ("14.9", 140_009, "failed", "upgrade it"),
        ("15.0", 150_000, "ok", ""),
        ("19.0", 190_000, "warning", "newer"),
    ],
)
def test_the_version_of_the_server_is_judged(version: str, number: int, result: str, named: str) -> None:
    [check] = server_checks(a_server(version, number))
    assert (check.result, named in worded(check.remedies)) == (result, True)


@pytest.mark.parametrize(("ahead", "result", "named"), [(-3700.0, "warning", "time server"), (1.9, "ok", "")])
def test_a_clock_that_is_off_is_told(ahead: float, result: str, named: str) -> None:
    check = clock_check(ahead)
    assert (check.result, named in worded(check.remedies)) == (result, True)


# Whether two addresses are one database.


def expected(checks: list[Check]) -> Check:
    return next(check for check in checks if check["name"] == "--expect-url")


def test_one_database_is_recognised_under_another_address(
    doctor: Doctor, database_url: str, tcp_database_url: str
) -> None:
    code, checks = doctor(
        database_url, "--expect-url", f"{tcp_database_url}?connection_limit=5&pgbouncer=true"
    )
    assert (code, expected(checks)["result"]) == (0, "ok")


def test_a_copy_of_the_database_is_another_one(
    doctor: Doctor, database: str, tcp_database_url: str, server: EmbeddedPostgres
) -> None:
    with new_database(server, "copy", template=database) as a_copy:
        code, checks = doctor(tcp_database_url, "--expect-url", server.tcp_url_of(a_copy))
    assert (code, expected(checks)["result"]) == (1, "failed")
    assert "another database" in expected(checks)["what"]


def test_another_schema_of_the_same_database_has_another_table(
    doctor: Doctor, tcp_database_url: str, connect: Connect
) -> None:
    connect().execute("CREATE SCHEMA app CREATE TABLE jobs ()")
    _, checks = doctor(tcp_database_url, "--expect-url", f"{tcp_database_url}?schema=app")
    assert "another table jobs" in expected(checks)["what"]
    _, checks = doctor(tcp_database_url, "--expect-url", f"{tcp_database_url}?schema=nothing_here")
    assert "or none" in expected(checks)["what"]


@pytest.mark.parametrize(
    ("url", "named"),
    [
        (f"postgresql://a:{SECRET}@nohost.invalid/b", "does not resolve"),
        (f"postgresql://a:/{SECRET}/@b/c", "cannot be read"),
        (SECRET, "cannot be read"),
    ],
)
def test_a_producers_address_that_leads_nowhere_fails_alone(
    doctor: Doctor, database_url: str, url: str, named: str
) -> None:
    code, checks = doctor(database_url, "--expect-url", url)
    assert code == 1
    assert failed(checks) == [expected(checks)]
    assert named in expected(checks)["what"]
    assert checks[-1]["name"] == "queues"


# Queues.


def test_the_reasons_jobs_wait_are_those_of_why(doctor: Doctor, database_url: str, connect: Connect) -> None:
    connection = connect()
    register_worker(connection, queues=["default"], types=["test", "other"], slots=1)
    insert(connection, queue="default", type="othr")
    insert(connection, queue="elsewhere")
    insert(connection, runAt="2199-01-01")
    job_in(connection, "completed", type="other")
    code, checks = doctor(database_url)
    assert code == 0
    told = {check["name"]: check for check in checks if check["name"].startswith("queue ")}
    assert set(told) == {
        "queue default, type othr",
        "queue elsewhere, type test",
        "queue default, type test",
    }
    assert "did you mean 'other'?" in told["queue default, type othr"]["what"]
    assert told["queue default, type test"]["what"] == "0 ready, 1 due later: 1 of 1 slots are free"


@pytest.mark.parametrize(
    ("change", "result", "said", "remedy"),
    [
        (
            "INSERT INTO queues (queue, paused) VALUES ('default', true)",
            "ok",
            "the queue 'default' is paused",
            "`rowcrew queues resume default`",
        ),
        (
            """INSERT INTO queues (queue, "maxConcurrent") VALUES ('default', 0)""",
            "ok",
            "the queue 'default' has 0 of at most 0 jobs at work",
            "`rowcrew queues set default …`",
        ),
        (
            """INSERT INTO limits (key, "maxConcurrent") VALUES ('a', 0)""",
            "ok",
            "1 held back by limits of their keys",
            "`rowcrew queues show default`",
        ),
        (
            """UPDATE jobs SET "runAt" = now() - interval '1 min'""",
            "warning",
            "slots are free, and 1 overdue",
            "`rowcrew why ",
        ),
    ],
)
def test_what_holds_a_queue_back_is_told_with_what_lets_it_go_on(
    doctor: Doctor,
    database_url: str,
    connect: Connect,
    change: str,
    result: str,
    said: str,
    remedy: str,
) -> None:
    connection = connect()
    register_worker(connection, queues=["default"], types=["test"], slots=1)
    insert(connection, concurrencyKey="a")
    with past_triggers(connection):
        connection.execute(change.encode())
    told = {check["name"]: check for check in doctor(database_url)[1]}["queue default, type test"]
    assert (told["result"], told["what"].partition(": ")[2]) == (result, said)
    assert remedy in told["remedy"]


def test_why_and_the_doctor_say_the_same(
    doctor: Doctor, database_url: str, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect()
    register_worker(connection, queues=["default"], slots=1)
    id = insert(connection, queue="elsewhere")
    _, checks = doctor(database_url)
    assert main(["why", str(id), "--json"]) == 0
    [reason] = json.loads(capsys.readouterr().out)["reasons"]
    assert reason["what"] in checks[-1]["what"]
    assert reason["remedy"] == checks[-1]["remedy"]


def test_each_part_that_is_missing_is_named_and_the_other_checks_go_on(
    doctor: Doctor, database_url: str, connect: Connect
) -> None:
    connect().execute("DROP TRIGGER jobs_wake ON jobs; DROP INDEX jobs_ready")
    code, checks = doctor(database_url)
    assert code == 1
    assert [(one["what"], one["remedy"]) for one in failed(checks)] == [
        ("index jobs_ready of jobs is missing", "rowcrew migrate --repair"),
        ("trigger jobs_wake of jobs is missing", "rowcrew migrate --repair"),
    ]
    assert checks[-1]["name"] == "queues"


def test_a_missing_table_ends_the_checks_that_need_it(
    doctor: Doctor, database_url: str, connect: Connect
) -> None:
    connect().execute("DROP TABLE workers CASCADE")
    _, checks = doctor(database_url)
    assert checks[-1]["what"] == "view worker_status is missing"


@pytest.mark.parametrize("role", ["worker", "producer", "reader"])
def test_parts_are_compared_for_every_role(doctor: Doctor, login: Login, connect: Connect, role: str) -> None:
    connect().execute("ALTER TABLE jobs DISABLE TRIGGER jobs_by_hand")
    connect().execute("GRANT SELECT ON rowcrew_schema TO PUBLIC")
    _, checks = doctor(login(role))
    assert "trigger jobs_by_hand of jobs is disabled" in [one["what"] for one in failed(checks)]


def test_a_worker_s_role_knows_the_tables_of_families(doctor: Doctor, login: Login, connect: Connect) -> None:
    connect().execute("DROP TABLE blobs")
    _, checks = doctor(login("worker"))
    assert [one["what"] for one in failed(checks)] == ["table blobs is missing"]


def test_a_column_that_no_insert_of_ours_fills_is_told(
    doctor: Doctor, database_url: str, connect: Connect
) -> None:
    connect().execute("ALTER TABLE jobs ADD tenant integer NOT NULL")
    code, checks = doctor(database_url)
    [told] = [one for one in checks if one["name"] == "schema"]
    assert (code, told["result"]) == (0, "warning")
    assert "jobs.tenant is required and has no default" in told["what"]
    connect().execute("ALTER TABLE jobs ALTER tenant SET DEFAULT 1")
    assert not [one for one in doctor(database_url)[1] if "tenant" in one["what"]]


# A statement of ours for each that a rule may act at.
OURS: dict[str, tuple[LiteralString, dict[str, Any]]] = {
    "INSERT": (SQL["producer/enqueue"], {"jobs": "[]"}),
    "UPDATE": (SQL["worker/record"], {"ended": "[]", "worker": 1}),
    "DELETE": (SQL["retention/prune"], {"after": 0, "batch": 1, "keep_completed": 0, "keep_failed": 0}),
}


@pytest.mark.parametrize("acts", ["INSERT", "UPDATE", "DELETE"])
def test_a_rule_of_a_table_is_named_with_what_drops_it(
    doctor: Doctor, database_url: str, connect: Connect, acts: str
) -> None:
    connection = connect()
    connection.execute("CREATE TABLE log (at timestamptz)")
    connection.execute(
        f'CREATE RULE "to log" AS ON {acts} TO jobs DO ALSO INSERT INTO log VALUES (now())'.encode()
    )
    with pytest.raises(psycopg.Error, match="rules"):
        connection.execute(*OURS[acts])
    code, checks = doctor(database_url)
    [told] = failed(checks)
    assert (code, told["what"].partition(":")[0]) == (1, f'rule "to log" of jobs, at {acts}')
    connection.execute(told["remedy"].partition("as its owner: ")[2].encode())
    connection.execute(*OURS[acts])
    assert doctor(database_url)[0] == 0


@pytest.mark.parametrize(
    ("event", "body", "is_told"),
    [
        ("BEFORE UPDATE", "IF NEW.status = 'completed' THEN RETURN NULL; END IF; RETURN NEW;", True),
        ("BEFORE UPDATE", "return\n old;", True),
        ("BEFORE INSERT OR UPDATE", "RETURN NULL;", True),
        ("BEFORE DELETE", "RETURN NULL;", True),
        ("BEFORE DELETE", "RETURN OLD;", False),
        ("BEFORE UPDATE", "NEW.progress := NULL; RETURN NEW;", False),
        ("AFTER UPDATE", "RETURN NULL;", False),
    ],
)
def test_a_trigger_that_can_leave_rows_out_is_told(
    doctor: Doctor, database_url: str, connect: Connect, event: str, body: str, is_told: bool
) -> None:
    connection = connect()
    connection.execute(
        f"""
        CREATE SCHEMA app;
        CREATE FUNCTION app.mine() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;
        CREATE TRIGGER mine {event} ON jobs FOR EACH ROW EXECUTE FUNCTION app.mine()
        """.encode()
    )
    code, checks = doctor(database_url)
    told = [one for one in checks if "trigger mine of jobs" in one["what"]]
    assert (code, [one["result"] for one in told]) == (0, ["warning"] * is_told)
    assert all("app.mine" in one["what"] and f"at {event[7:]}:" in one["what"] for one in told)
    connection.execute("ALTER TABLE jobs DISABLE TRIGGER mine")
    assert not [one for one in doctor(database_url)[1] if "mine" in one["what"]]


@pytest.mark.parametrize(
    "gone", ["DROP TABLE rowcrew_schema", "DELETE FROM rowcrew_schema", "DROP TABLE rowcrew_migrations"]
)
def test_a_database_that_forgot_its_version_is_repaired(
    doctor: Doctor, database_url: str, connect: Connect, gone: str
) -> None:
    connect().execute(gone)
    [told] = failed(doctor(database_url)[1])
    assert (told["name"], told["remedy"]) == ("schema", "rowcrew migrate --repair")


# Rows that no statement takes.


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_a_row_set_aside_stands_with_its_reason_in_the_list_the_doctor_and_why(
    status: str,
    doctor: Doctor,
    database_url: str,
    connect: Connect,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    connection = connect()
    register_worker(connection, queues=["default"], types=["test"], slots=1)
    other, odd = job_in(connection, status), job_in(connection, status, errorMessage="an older one")
    ended = job_in(connection, "cancelled", errorMessage="enough")
    for id, tries in ((odd, 3), (ended, 9)):
        connection.execute(
            """
            INSERT INTO jobs_set_aside ("jobId", reason, tries, "nextTryAt")
            VALUES (%s, 'not this one', %s, now() + interval '40 seconds')
            """,
            [id, tries],
        )

    def said(*command: str) -> list[dict[str, Any]]:
        assert main([*command, "--json"]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    told = {job["id"]: job["errorMessage"] for job in said("jobs", "list")}
    assert told == {other: None, odd: "set aside: not this one", ended: "enough"}
    code, checks = doctor(database_url)
    [aside] = [check for check in checks if check["name"] == "jobs set aside"]
    assert (code, aside["result"], aside["what"]) == (
        0,
        "warning",
        f"1, among them job {odd}, tried 3 times: not this one",
    )
    reason = said("why", str(odd))[0]["reasons"][0]
    assert (reason["code"], "not this one; tried 3 times" in reason["what"]) == ("set-aside", True)
    assert reason["remedy"] == aside["remedy"]
    assert f'DELETE FROM jobs_set_aside WHERE "jobId" = {odd}' in aside["remedy"]
    assert main(["jobs", "list"]) == 0
    assert "set aside: not this one" in capsys.readouterr().out


def test_without_a_row_set_aside_the_doctor_says_nothing_of_it(doctor: Doctor, database_url: str) -> None:
    assert "jobs set aside" not in [check["name"] for check in doctor(database_url)[1]]
