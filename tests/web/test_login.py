"""Who may do what: users, sessions, tokens, roles, and what browsers are made to do by others."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from rig.databases import new_database
from rig.programs import ROWCREW, program, run
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.web.problems import answer_to_stranger
from tests.web.conftest import Answered, Web, serving
from tests.web.test_events import Client, say

PASSWORD = "correct horse"
FORM = "application/x-www-form-urlencoded"


def users(url: str, *words: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
    return run("web", "users", *words, stdin=f"{password or ''}\n", DATABASE_URL=url)


def add(url: str, name: str, *words: str) -> None:
    done = users(url, "add", name, "--password-stdin", *words, password=PASSWORD)
    assert done.returncode == 0, done.stderr


def token_of(url: str, name: str) -> str:
    return users(url, "token", name).stdout.strip()


@pytest.fixture(scope="module")
def guarded(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Web]:
    """A server with three users, one of each role, on every address of this machine."""
    with new_database(server, "login", template=migrated_template) as name:
        url = server.url_of(name)
        for role in ("viewer", "operator", "admin"):
            add(url, role, "--role", role)
        with (
            psycopg.connect(url, autocommit=True) as connection,
            program(*ROWCREW, "web", "--port", "0", "--host", "0.0.0.0", DATABASE_URL=url) as served,
        ):
            yield Web(served, url, connection, says="Serving http://0.0.0.0:")


@pytest.fixture(scope="module")
def tokens(guarded: Web) -> dict[str, str]:
    return {role: token_of(guarded.url, role) for role in ("viewer", "operator", "admin")}


def bearer(token: str) -> str:
    return f"Bearer {token}"


def signed_in(web: Web, name: str = "operator", password: str = PASSWORD, **headers: str) -> Answered:
    return web.post("/api/v1/session", {"name": name, "password": password}, **headers)


def cookie_of(answered: Answered) -> str:
    return answered.headers["set-cookie"].partition(";")[0]


def test_without_a_login_nothing_but_signs_of_life_is_answered(guarded: Web) -> None:
    for path in ("/api/v1/jobs", "/api/v1/openapi.json", "/metrics", "/api/v1/nowhere", "/api/v1/session"):
        answered = guarded.get(path)
        assert (answered.status, answered.headers["www-authenticate"]) == (401, "Bearer"), path
    assert guarded.post("/api/v1/jobs", {"type": "t"}).status == 401
    assert guarded.value("SELECT count(*) FROM jobs") == 0
    for path in ("/livez", "/readyz", "/login"):
        assert guarded.get(path).status == 200, path


def test_a_page_leads_to_the_login_and_back(guarded: Web) -> None:
    led = guarded.get("/queues", Accept="text/html")
    assert (led.status, led.headers["location"]) == (303, "/login?next=%2Fqueues")
    form = f"name=operator&password={PASSWORD.replace(' ', '+')}".encode()
    back = guarded.ask("POST", led.headers["location"], form, Content_Type=FORM)
    assert (back.status, back.headers["location"]) == (303, "/queues")
    told = guarded.get("/api/v1/session", Cookie=cookie_of(back))
    assert told.json == {"name": "operator", "role": "operator", "readsPayloads": True}


def test_a_refusal_as_a_page_does_not_tell_a_stranger_where_the_database_is(guarded: Web) -> None:
    database = guarded.url.rpartition("/")[2].partition("?")[0]
    refused = guarded.ask("POST", "/jobs/change", b"", Accept="text/html")
    unknown = guarded.get("/static/nothing", Accept="text/html")
    assert (refused.status, unknown.status) == (401, 404)
    for page in (refused.text, unknown.text):
        assert "<title>" in page
        assert database not in page
        assert 'href="/static/pages.css' in page
    cookie = cookie_of(signed_in(guarded))
    assert database in guarded.get("/nothing", Accept="text/html", Cookie=cookie).text


def test_while_the_database_is_away_a_stranger_hears_no_more_than_that() -> None:
    away = psycopg.OperationalError('connection to server at "db.example", port 5432 failed')
    answer = answer_to_stranger(away)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert b"db.example" not in bytes(answer.body)


@pytest.mark.parametrize("origin", ["http://[", "null", "127.0.0.1", ""])
def test_an_origin_that_is_none_is_refused(guarded: Web, origin: str) -> None:
    assert guarded.post("/login", b"", Origin=origin).status == 403


@pytest.mark.parametrize(
    "next",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/a%0d%0aX:%20y",
        "javascript:x",
    ],
)
def test_nobody_is_led_to_another_site(guarded: Web, next: str) -> None:
    form = f"name=operator&password={PASSWORD.replace(' ', '+')}".encode()
    back = guarded.ask("POST", f"/login?next={next}", form, Content_Type=FORM)
    assert (back.status, back.headers["location"]) == (303, "/")
    assert "x" not in back.headers


def test_a_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(guarded: Web) -> None:
    attributes = signed_in(guarded).headers["set-cookie"].split("; ")[1:]
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)


def test_the_cookie_of_an_installation_around_this_one_is_not_taken_for_ours(guarded: Web) -> None:
    """A browser sends both, that of the longest path first."""
    ours, outer = cookie_of(signed_in(guarded)), "rowcrew_session=of-another"
    assert guarded.get("/api/v1/session", Cookie=f"theme=dark; {ours}; {outer}").json["name"] == "operator"
    assert guarded.get("/api/v1/session", Cookie=f"{outer}; {ours}").status == 401


def test_a_change_by_cookie_says_from_which_page_it_comes(guarded: Web) -> None:
    cookie = cookie_of(signed_in(guarded))
    ours = f"http://127.0.0.1:{guarded.port}"
    for headers, status in (
        ({}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site", "Origin": ours}, 403),
        ({"Origin": ours}, 201),
    ):
        answered = guarded.post("/api/v1/jobs", {"type": "by-cookie"}, Cookie=cookie, **headers)
        assert answered.status == status, headers
    assert guarded.value("SELECT count(*) FROM jobs WHERE type = 'by-cookie'") == 1


def test_who_signs_out_is_known_no_more(guarded: Web) -> None:
    cookie = cookie_of(signed_in(guarded))
    assert guarded.get("/api/v1/queues", Cookie=cookie).status == 200
    origin = f"http://127.0.0.1:{guarded.port}"
    assert guarded.post("/logout", b"", Cookie=cookie, Origin=origin).status == 303
    assert guarded.get("/api/v1/queues", Cookie=cookie).status == 401


def test_a_session_is_no_token_and_a_token_no_session(guarded: Web, tokens: dict[str, str]) -> None:
    secret = cookie_of(signed_in(guarded)).partition("=")[2]
    assert guarded.get("/api/v1/queues", Authorization=bearer(secret)).status == 401
    assert guarded.get("/api/v1/queues", Cookie=f"rowcrew_session={tokens['admin']}").status == 401
    assert guarded.get("/api/v1/queues", Authorization=bearer(tokens["admin"])).status == 200


def test_roles_may_do_what_is_theirs_and_nothing_more(guarded: Web, tokens: dict[str, str]) -> None:
    job = guarded.value("INSERT INTO jobs (type) VALUES ('t') RETURNING id")
    asked: list[tuple[str, str, Any, str]] = [
        ("GET", "/api/v1/jobs", None, "viewer"),
        ("GET", "/metrics", None, "viewer"),
        ("POST", "/api/v1/jobs", {"type": "t"}, "operator"),
        ("POST", f"/api/v1/jobs/{job}/cancel", None, "operator"),
        ("POST", "/api/v1/queues/default/pause", None, "operator"),
        ("PATCH", "/api/v1/queues/default", {"maxConcurrent": 5}, "admin"),
        ("POST", "/api/v1/schedules", {"name": "s", "type": "t", "everySeconds": 60}, "admin"),
        ("POST", "/api/v1/workers/1/terminate", None, "admin"),
    ]
    ranks = ["viewer", "operator", "admin"]
    for method, path, body, needed in asked:
        for role in ranks:
            answered = guarded.ask(method, path, body, port=None, Authorization=bearer(tokens[role]))
            is_refused = ranks.index(role) < ranks.index(needed)
            assert (answered.status == 403) == is_refused, (method, path, role, answered.text)


def test_viewers_see_neither_payloads_nor_results_nor_lines_unless_they_may(
    guarded: Web, tokens: dict[str, str]
) -> None:
    secret = "hunter2"
    job = guarded.value(
        """INSERT INTO jobs (type, payload) VALUES ('secret', '{"password": "hunter2"}') RETURNING id"""
    )
    guarded.execute(
        """UPDATE jobs SET checkpoint = '{"a": "hunter2"}', result = '"hunter2"' WHERE id = %s""", job
    )
    say(guarded, job, secret)
    guarded.execute(
        """INSERT INTO schedules (name, type, payload, cron)
           VALUES ('secret', 't', '{"a": "hunter2"}', '0 0 * * *')"""
    )
    paths = [
        f"/api/v1/jobs/{job}",
        f"/api/v1/jobs/{job}/logs",
        "/api/v1/schedules",
        "/api/v1/schedules/secret",
    ]
    for path in paths:
        assert secret not in guarded.get(path, Authorization=bearer(tokens["viewer"])).text, path
        assert secret in guarded.get(path, Authorization=bearer(tokens["operator"])).text, path
    add(guarded.url, "reader", "--role", "viewer", "--reads-payloads")
    reader = bearer(token_of(guarded.url, "reader"))
    assert all(secret in guarded.get(path, Authorization=reader).text for path in paths)


def test_viewers_are_not_told_the_lines_of_a_stream(guarded: Web, tokens: dict[str, str]) -> None:
    job = guarded.value("INSERT INTO jobs (type, status) VALUES ('said', 'cancelled') RETURNING id")
    say(guarded, job, "hunter2")
    kinds = {}
    for role in ("viewer", "operator"):
        client = Client(guarded.port, job, headers={"Authorization": bearer(tokens[role])})
        kinds[role] = [event.kind for event in client.events()]
        client.close()
    assert kinds == {"viewer": ["job", "end"], "operator": ["lines", "job", "end"]}


def test_each_change_leaves_an_event_with_who_made_it(guarded: Web, tokens: dict[str, str]) -> None:
    job = guarded.value("INSERT INTO jobs (type) VALUES ('audited') RETURNING id")
    guarded.post(f"/api/v1/jobs/{job}/cancel", Authorization=bearer(tokens["operator"]))
    told = guarded.value("SELECT detail FROM events WHERE kind = 'web.cancel_job' AND subject = %s", str(job))
    assert (told["actor"], told["role"]) == ("operator", "operator")


def test_guessing_is_slowed_down_and_tells_nothing_of_who_there_is(guarded: Web) -> None:
    for name in ("nobody", "viewer"):
        answers = [signed_in(guarded, name, "wrong-password") for _ in range(6)]
        assert [one.status for one in answers] == [403] * 5 + [429], name
        assert int(answers[-1].headers["retry-after"]) >= 1
    assert signed_in(guarded, "viewer").status == 429
    assert signed_in(guarded, "admin").status == 201


def test_a_removed_user_and_revoked_tokens_are_soon_refused(guarded: Web) -> None:
    add(guarded.url, "leaver")
    token = bearer(token_of(guarded.url, "leaver"))
    assert guarded.get("/api/v1/queues", Authorization=token).status == 200
    assert "1 sessions and tokens" in users(guarded.url, "token", "leaver", "--revoke").stdout
    eventually(lambda: guarded.get("/api/v1/queues", Authorization=token).status == 401)
    assert users(guarded.url, "remove", "leaver").returncode == 0
    assert users(guarded.url, "remove", "leaver").returncode == 1


def test_an_expired_token_is_refused(guarded: Web) -> None:
    token = users(guarded.url, "token", "viewer", "--expires", "1h").stdout.strip()
    guarded.execute(
        """UPDATE web_sessions SET "expiresAt" = now() - interval '1 s' WHERE "expiresAt" IS NOT NULL"""
    )
    assert guarded.get("/api/v1/queues", Authorization=bearer(token)).status == 401


def test_no_secret_is_kept(guarded: Web, tokens: dict[str, str]) -> None:
    kept = guarded.value(
        """SELECT (SELECT string_agg(u::text, '') FROM web_users u)
               || (SELECT string_agg(s::text, '') FROM web_sessions s)"""
    )
    assert PASSWORD not in kept
    assert not any(token in kept for token in tokens.values())


def test_the_first_user_closes_a_server_that_was_open_to_this_machine(
    server: EmbeddedPostgres, migrated_template: str
) -> None:
    with new_database(server, "first", template=migrated_template) as name:
        url = server.url_of(name)
        with psycopg.connect(url) as connection, program(*serving(), DATABASE_URL=url) as served:
            web = Web(served, url, connection)
            assert web.get("/api/v1/queues").status == 200
            add(url, "first", "--role", "admin")
            eventually(lambda: web.get("/api/v1/queues").status == 401)


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("No Name", PASSWORD, "cannot be a name"),
        ("short", "1234567", "8 to 1000"),
        ("viewer", PASSWORD, "--replace"),
    ],
)
def test_a_user_that_cannot_be_is_refused(guarded: Web, name: str, password: str, said: str) -> None:
    done = users(guarded.url, "add", name, "--password-stdin", password=password)
    assert done.returncode == 1
    assert said in done.stderr


def test_users_are_listed_without_secrets(guarded: Web) -> None:
    listed = users(guarded.url, "list").stdout
    assert "operator" in listed
    assert "scrypt" not in listed
