"""The web below a path of another application, in that application's own server."""

from __future__ import annotations

import http.client
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest

from rig.databases import new_database
from rig.programs import ROOT, Program, program
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from tests.web.conftest import Answered
from tests.web.test_login import FORM, PASSWORD, add, bearer, token_of


class Site:
    """The example's server, and the database behind it."""

    def __init__(self, server: Program, url: str) -> None:
        self.server = server
        self.url = url
        self.port = int(eventually(self._running, 100))
        self.token = token_of(url, "ann")

    def _running(self) -> str:
        assert self.server.process.poll() is None, self.server.lines
        found = re.search(r"running on http://127\.0\.0\.1:(\d+)", "\n".join(self.server.lines))
        return found[1] if found else ""

    @contextmanager
    def asked(self, method: str, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(connection):
            connection.request(method, path, headers=headers)
            with connection.getresponse() as response:
                yield response

    def ask(self, method: str, path: str, **headers: str) -> Answered:
        with self.asked(method, path, **headers) as response:
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answered(response.status, told, response.read().decode())

    def session(self) -> str:
        """What a browser is told to keep that signs in."""
        form = urlencode({"name": "ann", "password": PASSWORD})
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("POST", "/rowcrew/login", form, {"Content-Type": FORM})
            return connection.getresponse().headers["Set-Cookie"]

    def job(self) -> int:
        return int(self.ask("POST", "/texts?text=hello").json["job"])


EXAMPLES = ("fastapi_dashboard", "django_dashboard", "flask_dashboard")


@pytest.fixture
def database(server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    with new_database(server, "mount", template=migrated_template) as name:
        url = server.url_of(name)
        add(url, "ann", "--role", "viewer")
        yield url


@contextmanager
def served(example: str, database: str, *options: str, folder: Path = ROOT / "examples") -> Iterator[Site]:
    command = (sys.executable, "-m", "uvicorn", "--port", "0", *options, f"{example}:application")
    with program(*command, cwd=folder, DATABASE_URL=database) as started:
        yield Site(started, database)


@pytest.fixture(params=EXAMPLES)
def site(request: pytest.FixtureRequest, database: str) -> Iterator[Site]:
    with served(request.param, database) as site:
        yield site


def test_the_example_shows_its_jobs_to_those_who_have_signed_in_and_ends_with_a_stream_open(
    site: Site,
) -> None:
    job = site.job()
    assert site.ask("GET", "/rowcrew/livez").status == 200
    assert site.ask("GET", "/livez").status == 404  # below its path it is, and nowhere else
    # Nobody knows from where this server is reached: a name of this machine opens nothing.
    assert site.ask("GET", "/rowcrew/api/v1/jobs", Host="localhost").status == 401
    page = site.ask("GET", "/rowcrew/", Accept="text/html")
    assert (page.status, page.headers["location"]) == (303, "/rowcrew/login?next=%2F")
    sign_in = site.ask("GET", "/rowcrew/login", Accept="text/html").text
    assert "/rowcrew/static/" in sign_in
    assert "Path=/rowcrew" in site.session().split("; ")
    known = {"Authorization": bearer(site.token)}
    shown = site.ask("GET", f"/rowcrew/api/v1/jobs/{job}", **known).json
    assert shown["type"] == "split_text"
    with site.asked("GET", f"/rowcrew/api/v1/jobs/{job}/events", **known) as stream:
        assert stream.readline() == b"retry: 2000\n"
        assert eventually(lambda: sessions(site) >= 1)
        site.server.process.terminate()
        assert site.server.process.wait(60) in (0, -15), site.server.lines
    assert not [line for line in site.server.lines if "Traceback" in line]
    assert eventually(lambda: sessions(site) == 0)


def test_a_reload_does_not_wait_for_who_watches_a_job(database: str, tmp_path: Path) -> None:
    example = tmp_path / "django_dashboard.py"
    shutil.copy(ROOT / "examples" / example.name, example)
    with served(example.stem, database, "--reload", folder=tmp_path) as site:
        assert eventually(lambda: starts(site) == 1)
        path, known = f"/rowcrew/api/v1/jobs/{site.job()}/events", {"Authorization": bearer(site.token)}
        with site.asked("GET", path, **known) as stream:
            assert stream.readline() == b"retry: 2000\n"
            example.write_text(f"{example.read_text()}\n")
            assert eventually(lambda: starts(site) == 2)
        with site.asked("GET", path, **known) as stream:
            assert stream.readline() == b"retry: 2000\n"


def starts(site: Site) -> int:
    return sum("Application startup complete" in line for line in site.server.lines)


def sessions(site: Site) -> int:
    with psycopg.connect(site.url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name LIKE '%web%' AND datname = current_database()"
        ).fetchone()
    assert found is not None
    return int(found[0])
