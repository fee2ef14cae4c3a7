"""Who has signed in at a proxy: believed of the proxy alone, by address or secret; behind a real nginx."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from rig.databases import new_database
from rig.ports import free_port
from rig.programs import program, run
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from tests.web.conftest import Answered, Web, serving
from tests.web.test_login import add, bearer, cookie_of, signed_in, token_of, users
from tests.web.test_proxy import NGINX

HEADER: Final = ("--proxy-header", "X-Forwarded-User")
SECRET: Final = "0123456789abcdef0123456789abcdef"
SHOWN: Final = {"X_Proxy_Secret": SECRET}

SIGN_IN: Final = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; {locations} }}
    server {{
        listen 127.0.0.1:{sign_in};
        location /oauth2/auth {{
            if ($cookie_sso = "") {{ return 401; }}
            add_header X-Auth-Request-Email $cookie_sso;
            return 200;
        }}
        location /oauth2/ {{ return 200 "sign in"; }}
    }}
}}
"""
"""The proxy of the page, and beside it what answers as oauth2-proxy does: the cookie is the name."""


class Doors(Web):
    """A database with users, and servers with other ways to know a proxy."""

    def asks(self, **headers: str) -> Answered:
        return self.get("/api/v1/session", **headers)


@pytest.fixture(scope="module")
def database(server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    with new_database(server, "proxied", template=migrated_template) as name:
        url = server.url_of(name)
        add(url, "olga", "--role", "operator")
        assert users(url, "add", "ann@example.com", "--role", "admin", "--no-password").returncode == 0
        yield url


def doors(database: str, *words: str, **variables: Any) -> Iterator[Doors]:
    with (
        psycopg.connect(database, autocommit=True) as connection,
        program(*serving(), *HEADER, *words, DATABASE_URL=database, **variables) as served,
    ):
        yield Doors(served, database, connection)


@pytest.fixture(scope="module")
def by_address(database: str) -> Iterator[Doors]:
    yield from doors(database, "--proxy-address", "10.1.0.0/24", "--proxy-address", "127.0.0.1")


@pytest.fixture(scope="module")
def elsewhere(database: str) -> Iterator[Doors]:
    """The proxy is at another address than whoever asks here."""
    yield from doors(database, "--proxy-address", "10.1.0.0/24", "--proxy-role", "admin")


@pytest.fixture(scope="module")
def by_secret(database: str) -> Iterator[Doors]:
    yield from doors(database, "--proxy-role", "viewer", WEB_PROXY_SECRET=SECRET)


def test_who_the_proxy_names_has_the_role_of_that_user(by_address: Doors) -> None:
    known = by_address.asks(X_Forwarded_User="Ann@Example.COM")
    assert known.json == {"name": "ann@example.com", "role": "admin", "readsPayloads": True}
    assert by_address.asks(X_Forwarded_User="olga").json["role"] == "operator"


def test_a_stranger_to_us_is_told_so_and_led_nowhere(by_address: Doors) -> None:
    refused = by_address.get("/jobs", X_Forwarded_User="eve@example.com", Accept="text/html")
    assert (refused.status, "eve@example.com is no user here" in refused.text) == (403, True)
    assert refused.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("name", ["ann@example.com, olga", "DOMAIN\\olga", "olga'--", "ÿ", "o" * 101])
def test_what_cannot_be_a_name_is_refused_also_where_all_others_have_a_role(
    by_secret: Doors, name: str
) -> None:
    assert by_secret.asks(X_Forwarded_User=name, **SHOWN).status == 403


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_an_empty_name_is_nobodys_and_has_no_role(by_secret: Doors, name: str) -> None:
    assert by_secret.asks(X_Forwarded_User=name, **SHOWN).status == 401


def test_a_header_that_comes_twice_is_refused_whoever_stands_first(by_address: Doors) -> None:
    for names in (("olga", "ann@example.com"), ("", "ann@example.com")):
        told = twice(by_address, "X-Forwarded-User", *names)
        assert told.status == 400, names
        assert "let the proxy replace it" in told.text


def test_another_address_is_not_the_proxy_whatever_it_says_of_itself(elsewhere: Doors) -> None:
    said: dict[str, Any] = {
        "X_Forwarded_User": "ann@example.com",
        "X_Forwarded_For": "10.1.0.5",
        "X_Real_IP": "10.1.0.5",
    }
    for headers in (said, {**said, "Forwarded": "for=10.1.0.5"}, {**said, **SHOWN}):
        assert elsewhere.asks(**headers).status == 401
    assert elsewhere.ask("POST", "/api/v1/jobs", {"type": "spoofed"}, **said).status == 401


def test_without_the_secret_nobody_is_the_proxy(by_secret: Doors) -> None:
    assert by_secret.asks(X_Forwarded_User="ann@example.com", **SHOWN).json["role"] == "admin"
    assert by_secret.asks(X_Forwarded_User="new@example.com", **SHOWN).json["role"] == "viewer"
    for secret in ("", SECRET[:-1], SECRET + "0", SECRET.upper(), "ÿ"):
        asked = by_secret.asks(X_Forwarded_User="ann@example.com", X_Proxy_Secret=secret)
        assert asked.status == 401, secret
    for secrets in (("guess", SECRET), (SECRET, "guess")):
        assert twice(by_secret, "X-Proxy-Secret", *secrets, X_Forwarded_User="olga").status == 401


def test_address_and_secret_must_both_be_the_proxys_where_both_are_set(database: str) -> None:
    for address, status in (("10.1.0.5", 401), ("127.0.0.1", 200)):
        for door in doors(database, "--proxy-address", address, WEB_PROXY_SECRET=SECRET):
            assert door.asks(X_Forwarded_User="olga", **SHOWN).status == status
            assert door.asks(X_Forwarded_User="olga").status == 401


def test_whom_the_proxy_names_goes_before_a_session_and_any_token(by_address: Doors) -> None:
    cookie = cookie_of(signed_in(by_address, "olga"))
    token = bearer(token_of(by_address.url, "ann@example.com"))
    for headers in (
        {"Cookie": cookie},
        {"Authorization": bearer("the-proxys-own")},
        {"Authorization": token},
    ):
        asked = by_address.asks(X_Forwarded_User="olga", **headers)
        assert asked.json["name"] == "olga", headers
    assert (
        by_address.asks(X_Forwarded_User="ann@example.com", Cookie=cookie).json["name"] == "ann@example.com"
    )
    # Where the proxy names nobody, programs and passwords do as ever.
    assert by_address.asks(Authorization=token).json["name"] == "ann@example.com"
    assert by_address.asks(Cookie=cookie).json["name"] == "olga"


def test_another_site_changes_nothing_through_who_is_signed_in_at_the_proxy(by_address: Doors) -> None:
    job = by_address.value("INSERT INTO jobs (type) VALUES ('proxied') RETURNING id")
    named, path = {"X_Forwarded_User": "olga"}, f"/api/v1/jobs/{job}/cancel"
    assert by_address.post(path, **named).status == 403
    assert by_address.post(path, **named, Origin="https://evil.example").status == 403
    ours = f"http://127.0.0.1:{by_address.port}"
    assert by_address.post(path, **named, Origin=ours).json["status"] == "cancelled"
    who = by_address.value("SELECT detail ->> 'actor' FROM events WHERE subject = %s", str(job))
    assert who == "olga"


def test_a_removed_user_is_soon_refused(by_address: Doors) -> None:
    add(by_address.url, "leaver")
    assert by_address.asks(X_Forwarded_User="leaver").status == 200
    assert users(by_address.url, "remove", "leaver").returncode == 0
    eventually(lambda: by_address.asks(X_Forwarded_User="leaver").status == 403)


def test_nobody_signs_in_with_a_password_that_nobody_knows(by_address: Doors) -> None:
    for password in ("", "None", "ann@example.com"):
        assert signed_in(by_address, "ann@example.com", password).status == 403


def test_a_header_closes_a_server_that_has_no_users(server: EmbeddedPostgres, migrated_template: str) -> None:
    with new_database(server, "nobody", template=migrated_template) as name:
        url = server.url_of(name)
        for door in doors(url, "--proxy-role", "operator", WEB_PROXY_SECRET=SECRET):
            assert door.asks().status == 401
            assert door.asks(X_Forwarded_User="ann@example.com", **SHOWN).json["role"] == "operator"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (HEADER, "anybody could send it"),
        ((*HEADER, "--proxy-address", "0.0.0.0/0"), "everybody is in there"),
        ((*HEADER, "--proxy-address", "::/0"), "everybody is in there"),
        ((*HEADER, "--proxy-address", "proxy.example"), "give 10.1.0.5"),
        (("--proxy-header", "X Forwarded: User"), "give the name of a header"),
        (("--proxy-role", "admin"), "say in which --proxy-header"),
        ((*HEADER, "--proxy-sign-out", "//evil.example"), "give a path or an https address"),
        ((*HEADER, "--proxy-sign-out", "javascript:alert(1)"), "give a path or an https address"),
    ],
)
def test_what_makes_no_proxy_does_not_start(database: str, words: tuple[str, ...], said: str) -> None:
    refused = run("web", "--port", "0", *words, DATABASE_URL=database)
    assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr


def twice(web: Web, name: str, *values: str, **headers: str) -> Answered:
    """One request in which a header comes several times."""
    connection = web._connection(web.port)
    connection.putrequest("GET", "/api/v1/session")
    for value in values:
        connection.putheader(name, value)
    for other, value in headers.items():
        connection.putheader(other.replace("_", "-"), value)
    if name != "X-Proxy-Secret":
        connection.putheader("X-Proxy-Secret", SECRET)
    connection.endheaders()
    response = connection.getresponse()
    answered = Answered(response.status, dict(response.getheaders()), response.read().decode())
    connection.close()
    return answered


# Behind nginx.


@pytest.fixture(scope="module")
def behind(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """The page's configuration of nginx, with what signs people in beside it."""
    if NGINX is None:
        pytest.skip("there is no nginx")
    folder = tmp_path_factory.mktemp("nginx")
    words = ("--prefix", "/rowcrew", "--proxy-address", "127.0.0.1", "--proxy-sign-out", "/oauth2/sign_out")
    for door in doors(database, *words, WEB_PROXY_SECRET=SECRET):
        port, sign_in = free_port(), free_port()
        text = SIGN_IN.format(
            folder=folder, port=port, sign_in=sign_in, locations=locations(door.port, sign_in)
        )
        (folder / "nginx.conf").write_text(text)
        with program(NGINX, "-c", str(folder / "nginx.conf"), "-e", "stderr"):
            web = Seen(door, port)
            eventually(partial(answers, web))
            yield web


class Seen(Web):
    """The web as it is seen through the proxy."""

    def __init__(self, web: Web, port: int) -> None:
        self.url, self.connection, self.port, self.behind = web.url, web.connection, port, web.port


def answers(web: Web) -> bool:
    try:
        return web.get("/oauth2/sign_in").status == 200
    except OSError:
        return False


def locations(port: int, sign_in: int) -> str:
    """The locations of the page, with other ports and a secret."""
    page = (Path(__file__).parents[2] / "docs" / "web.md").read_text()
    text = page.partition("### Signed in by a proxy")[2].partition("```nginx\n")[2].partition("```")[0]
    replaced: dict[str, Any] = {":8000": f":{port}", ":4180": f":{sign_in}", "as in WEB_PROXY_SECRET": SECRET}
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    return text


def test_nginx_leads_to_the_sign_in_and_tells_who_came_back(behind: Seen) -> None:
    assert behind.get("/rowcrew/jobs").text == "sign in"
    page = behind.get("/rowcrew/jobs", Cookie="sso=ann@example.com", Accept="text/html").text
    assert "<b>ann@example.com</b>admin" in page
    assert '<a href="/oauth2/sign_out">sign out</a>' in page
    assert "/rowcrew/logout" not in page


def test_what_a_client_says_of_itself_does_not_come_through_nginx(behind: Seen) -> None:
    said = {"X_Forwarded_User": "ann@example.com", "X_Proxy_Secret": SECRET}
    assert behind.get("/rowcrew/api/v1/session", **said).text == "sign in"
    known = behind.get("/rowcrew/api/v1/session", Cookie="sso=olga", **said)
    assert known.json["name"] == "olga"
    # Past the proxy, from its own machine: what the header says is not enough.
    straight = behind.ask("GET", "/api/v1/session", port=behind.behind, X_Forwarded_User="ann@example.com")
    assert straight.status == 401


def test_a_change_through_nginx_comes_from_our_own_pages(behind: Seen) -> None:
    job = behind.value("INSERT INTO jobs (type) VALUES ('proxied') RETURNING id")
    path, cookie = f"/rowcrew/jobs/{job}/cancel", "sso=olga"
    ours = f"http://127.0.0.1:{behind.port}"
    assert behind.ask("POST", path, b"", Cookie=cookie, Origin="https://evil.example").status == 403
    back = behind.ask("POST", path, b"", Cookie=cookie, Origin=ours)
    assert (back.status, back.headers["location"]) == (303, f"/rowcrew/jobs/{job}?done=cancel")
