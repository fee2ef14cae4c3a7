"""Behind a real nginx with TLS and a path prefix: people sign in and change things, addresses lead back."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
import pytest
from playwright.sync_api import Page

from rig.browser import chromium, headless
from rig.databases import new_database
from rig.ports import free_port
from rig.programs import program
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from tests.web.conftest import Web, serving
from tests.web.test_login import FORM, PASSWORD, add, cookie_of, token_of

NGINX: Final = os.environ.get("NGINX") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")

pytestmark = pytest.mark.skipif(NGINX is None, reason="there is no nginx")

CONFIGURATION: Final = """
daemon off; master_process off; pid {folder}/{port}.pid; error_log {folder}/error.log; events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
        {location}
    }}
}}
"""


class Proxy(Web):
    """The web as it is seen through the proxy."""

    def __init__(self, web: Web, port: int, certificate: Path) -> None:
        self.url, self.connection, self.port = web.url, web.connection, port
        self.inner_port, self.folder = web.port, certificate.parent
        self._context = ssl.create_default_context(cafile=certificate)

    def _connection(self, port: int) -> http.client.HTTPConnection:
        return http.client.HTTPSConnection("localhost", port, timeout=30, context=self._context)


def location(port: int) -> str:
    """The location block of the page, with another port."""
    page = (Path(__file__).parents[2] / "docs" / "web.md").read_text()
    return page.partition("```nginx\n")[2].partition("```")[0].replace(":8000", f":{port}")


@pytest.fixture(scope="module")
def proxied(
    server: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1"
        " -subj /CN=localhost -addext subjectAltName=DNS:localhost",
        shell=True,
        check=True,
        cwd=folder,
        capture_output=True,
    )
    with new_database(server, "proxy", template=migrated_template) as name:
        url = server.url_of(name)
        add(url, "ann", "--role", "operator")
        with (
            psycopg.connect(url, autocommit=True) as connection,
            program(*serving(), "--prefix", "/rowcrew", DATABASE_URL=url) as served,
        ):
            web = Web(served, url, connection)
            with nginx(folder, location(web.port)) as port:
                yield Proxy(web, port, folder / "cert.pem")


@contextmanager
def nginx(folder: Path, locations: str) -> Iterator[int]:
    """A proxy with these locations, and the port where it answers."""
    port = free_port()
    configuration = folder / f"{port}.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, location=locations))
    with program(str(NGINX), "-c", str(configuration), "-e", "stderr"):
        eventually(lambda: _listens(port))
        yield port


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_a_browser_signs_in_and_cancels_a_job(proxied: Proxy) -> None:
    led = proxied.get("/rowcrew/queues", Accept="text/html")
    assert led.headers["location"].endswith("/rowcrew/login?next=%2Fqueues")
    ours = f"https://localhost:{proxied.port}"
    form = f"name=ann&password={PASSWORD.replace(' ', '+')}".encode()
    back = proxied.ask("POST", "/rowcrew/login?next=/queues", form, Content_Type=FORM, Origin=ours)
    assert (back.status, back.headers["location"]) == (303, "/rowcrew/queues")
    assert "Path=/rowcrew" in back.headers["set-cookie"].split("; ")
    job = proxied.value("INSERT INTO jobs (type) VALUES ('proxied') RETURNING id")
    path, cookie = f"/rowcrew/api/v1/jobs/{job}/cancel", cookie_of(back)
    assert proxied.post(path, Cookie=cookie, Origin="https://evil.example").status == 403
    assert proxied.post(path, Cookie=cookie, Origin=ours).json["status"] == "cancelled"


def test_the_place_of_a_new_job_lies_behind_the_prefix(proxied: Proxy) -> None:
    token = f"Bearer {token_of(proxied.url, 'ann')}"
    made = proxied.post("/rowcrew/api/v1/jobs", {"type": "placed"}, Authorization=token)
    assert made.headers["location"] == f"/rowcrew/api/v1/jobs/{made.json['id']}"
    assert proxied.get(made.headers["location"], Authorization=token).json["type"] == "placed"


def test_events_come_through_as_they_happen(proxied: Proxy) -> None:
    job = proxied.value("INSERT INTO jobs (type) VALUES ('streamed') RETURNING id")
    connection = proxied._connection(proxied.port)
    token = token_of(proxied.url, "ann")
    connection.request(
        "GET", f"/rowcrew/api/v1/jobs/{job}/events", headers={"Authorization": f"Bearer {token}"}
    )
    response = connection.getresponse()
    data = next(line for line in iter(response.readline, b"") if line.startswith(b"data: "))
    connection.close()
    assert json.loads(data.removeprefix(b"data: "))["status"] == "queued"


@pytest.mark.skipif(chromium() is None, reason="there is no Chromium")
def test_a_browser_keeps_the_sessions_of_two_installations_of_one_host_apart(
    proxied: Proxy, server: EmbeddedPostgres, migrated_template: str
) -> None:
    """One at the root of the host, the other below a path."""
    with new_database(server, "outer", template=migrated_template) as name:
        url = server.url_of(name)
        add(url, "olga", "--role", "viewer")
        with (
            psycopg.connect(url, autocommit=True) as connection,
            program(*serving(), DATABASE_URL=url) as served,
        ):
            port = Web(served, url, connection).port
            outer = location(port).replace("/rowcrew/", "/")
            with nginx(proxied.folder, location(proxied.inner_port) + outer) as port, headless() as browser:
                page = browser.new_context(
                    base_url=f"https://localhost:{port}", ignore_https_errors=True
                ).new_page()
                signs_in(page, "/rowcrew/", "ann")
                signs_in(page, "/", "olga")
                assert {below: known_as(page, below) for below in ("", "/rowcrew")} == {
                    "": "olga",
                    "/rowcrew": "ann",
                }
                page.goto("/rowcrew/queues")
                page.get_by_role("button", name="Sign out").click()
                page.wait_for_url("**/rowcrew/login")
                assert (known_as(page, ""), known_as(page, "/rowcrew")) == ("olga", None)


def signs_in(page: Page, path: str, name: str) -> None:
    page.goto(path)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{path}")


def known_as(page: Page, below: str) -> str | None:
    name: str | None = page.request.get(f"{below}/api/v1/session").json().get("name")
    return name
