"""The web of two databases, each on a server of its own: what is apart, what is shared, what fails alone."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from rig.databases import new_database
from rig.ports import free_port
from rig.programs import Program, program
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table import migrate
from tests.web.conftest import Web, serving
from tests.web.test_events import Client
from tests.web.test_login import PASSWORD, add, bearer, cookie_of, signed_in, token_of
from tests.web.test_openapi import answers_as_described, operations_of
from tests.web.test_sampler import STATEMENTS_A_SECOND, statements, statements_a_second

NAMES = ("sales", "stock")


class Pair:
    """Two databases, and a server that serves both: `sales` stays, `stock` is stopped and started at will."""

    def __init__(self, sales: psycopg.Connection[Any], url: str, stock: EmbeddedPostgres) -> None:
        self.urls = {"sales": url, "stock": stock.url}
        self.stock = stock
        self._sales = sales

    def web(self, served: Program, **how: str) -> Web:
        """What asks this server; its own statements go to `sales`."""
        return Web(served, self.urls["sales"], self._sales, **how)

    def named(self, *names: str) -> str:
        return " ".join(f"{name}={self.urls[name]}" for name in names or NAMES)

    def value(self, name: str, statement: str) -> object:
        with psycopg.connect(self.urls[name], autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return None if row is None else row[0]


@pytest.fixture(scope="module")
def pair(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Pair]:
    with (
        new_database(server, "sales", template=migrated_template) as name,
        EmbeddedPostgres(durable=False, port=free_port()) as stock,
    ):
        migrate.migrate(stock.url)
        url = server.url_of(name)
        with psycopg.connect(url, autocommit=True) as connection:
            yield Pair(connection, url, stock)


@pytest.fixture(scope="module")
def both(pair: Pair) -> Iterator[Web]:
    with program(*serving(), DATABASE_URLS=pair.named()) as served:
        yield pair.web(served)


def enqueue(web: Web, name: str, type: str) -> int:
    answered = web.post(f"/db/{name}/api/v1/jobs", {"type": type, "queue": type})
    assert answered.status == 201, answered.text
    return int(answered.json["id"])


def shows(web: Web, path: str, text: str) -> bool:
    return text in web.get(path, Accept="text/html").text


def standing(web: Web, name: str) -> str:
    [one] = [one for one in web.get("/api/v1/databases").json["databases"] if one["name"] == name]
    return str(one["stands"])


def test_a_change_reaches_the_job_of_its_own_database_and_not_that_of_the_same_number(
    both: Web, pair: Pair
) -> None:
    """HangfireIO/Hangfire#1831, #1529, #955"""
    jobs = {name: enqueue(both, name, f"{name}_own") for name in NAMES}
    while jobs["sales"] != jobs["stock"]:
        behind = min(jobs, key=lambda name: jobs[name])
        jobs[behind] = enqueue(both, behind, f"{behind}_own")
    id = jobs["sales"]
    cancelled = both.ask("POST", f"/db/stock/jobs/{id}/cancel", b"", Accept="text/html")
    assert (cancelled.status, cancelled.headers["location"]) == (303, f"/db/stock/jobs/{id}?done=cancel")
    for name, status in (("sales", "queued"), ("stock", "cancelled")):
        shown = both.get(f"/db/{name}/api/v1/jobs/{id}").json
        assert (shown["type"], shown["status"]) == (f"{name}_own", status)
        assert f"{name}_own" in both.get(f"/db/{name}/jobs/{id}", Accept="text/html").text
    noted = "SELECT count(*) FROM events WHERE kind = 'web.cancel_job'"
    assert [pair.value(name, noted) for name in NAMES] == [0, 1]


def test_many_who_ask_at_once_hear_of_the_database_of_their_path(both: Web) -> None:
    """sidekiq/sidekiq#4640, #5153"""
    for name in NAMES:
        enqueue(both, name, f"only_{name}")
        eventually(partial(shows, both, f"/db/{name}/", f"only_{name}"))

    def hears_its_own(number: int) -> bool:
        own, other = NAMES if number % 2 else NAMES[::-1]
        text = both.get(f"/db/{own}/", Accept="text/html").text
        return f"only_{own}" in text and f"only_{other}" not in text

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(hears_its_own, range(60)))


def test_every_link_of_a_page_stays_with_its_database_or_leads_to_the_other_by_name(both: Web) -> None:
    for path in ("", "jobs", "limits", "nowhere"):
        page = both.get(f"/db/stock/{path}", Accept="text/html").text
        links = [part.partition('"')[0] for part in page.split('href="')[1:]]
        ours = [link for link in links if not link.startswith(("#", "/db/stock"))]
        assert ours == ["/", f"/db/sales/{path if path != 'nowhere' else ''}"], path
    assert both.get("/db/stock").headers["location"] == "/db/stock/"
    assert both.get("/db/nowhere/").status == 404


def test_below_a_prefix_every_link_keeps_it(pair: Pair) -> None:
    with program(*serving(), "--prefix", "/tools", DATABASE_URLS=pair.named()) as served:
        web = pair.web(served)
        for path in ("/", "/db/stock/jobs"):
            page = web.get(path, Accept="text/html").text
            links = [part.partition('"')[0] for part in page.split('href="')[1:]]
            assert [link for link in links if not link.startswith(("#", "/tools/"))] == [], path
            assert {"/tools/db/sales/jobs", "/tools/db/sales/"} & set(links), path
        assert web.get("/db/stock").headers["location"] == "/tools/db/stock/"


def test_the_list_of_all_answers_as_the_document_above_them_says(both: Web) -> None:
    operations = operations_of(both)
    assert [(one.method, one.path) for one in operations] == [("get", "/api/v1/databases")]
    answers_as_described(operations)


def test_metrics_of_all_are_one_document_with_the_database_as_a_label(both: Web) -> None:
    for name in NAMES:
        enqueue(both, name, "labelled")
    accept = {"Accept": "application/openmetrics-text"}

    def depth(path: str) -> dict[str, float]:
        parsed = text_string_to_metric_families(both.get(path, **accept).text)  # type: ignore[no-untyped-call]
        families = list(parsed)
        assert len({family.name for family in families}) == len(families)
        return {
            sample.labels["database"]: sample.value
            for family in families
            for sample in family.samples
            if sample.labels.get("queue") == "labelled" and sample.labels.get("state") == "ready"
        }

    eventually(lambda: depth("/metrics") == dict.fromkeys(NAMES, 1.0))
    assert depth("/db/stock/metrics") == {"stock": 1.0}


def test_a_stream_of_events_says_of_which_database_its_job_is(both: Web) -> None:
    for name in NAMES:
        id = enqueue(both, name, "watched")
        client = Client(both.port, id, below=f"/db/{name}")
        first = next(client.events())
        client.close()
        assert (first.kind, first.data["database"], first.data["id"]) == ("job", name, id)


def test_a_database_that_stops_is_shown_as_down_and_takes_nothing_of_the_other(both: Web, pair: Pair) -> None:
    kept = enqueue(both, "stock", "kept")
    eventually(lambda: shows(both, "/db/stock/", "kept"))
    watched = enqueue(both, "sales", "watched-meanwhile")
    client = Client(both.port, watched, below="/db/sales")
    events = client.events()
    assert next(events).data["status"] == "queued"

    pair.stock.halt("immediate")
    eventually(lambda: standing(both, "stock") == "down")
    overview = both.get("/", Accept="text/html")
    assert (overview.status, "<code>stock</code> does not answer." in overview.text) == (200, True)
    assert 'rowcrew_database_up{database="stock"} 0.0' in both.get("/metrics").text
    assert 'rowcrew_database_up{database="sales"} 1.0' in both.get("/metrics").text
    last = both.get("/db/stock/", Accept="text/html")
    assert (last.status, "kept" in last.text) == (200, True)
    assert both.get(f"/db/stock/jobs/{kept}", Accept="text/html").status == 503
    assert both.get("/readyz").status == 200
    cancelled = both.post(f"/db/sales/api/v1/jobs/{watched}/cancel")
    assert (cancelled.status, next(events).data["status"]) == (200, "cancelled")
    client.close()

    with program(*serving(), DATABASE_URLS=pair.named("stock", "sales")) as served:
        asking = pair.web(served)  # whether there are users, nobody can say
        refused = asking.get("/db/sales/api/v1/jobs")
        assert (refused.status, asking.get("/livez").status) == (503, 200)
    with program(*serving(), DATABASE_URLS=pair.named()) as served:  # one that has never seen it
        fresh = pair.web(served)
        eventually(lambda: standing(fresh, "stock") == "down")
        assert standing(fresh, "sales") != "down"
        unseen = fresh.get("/", Accept="text/html")
        assert (unseen.status, "not seen yet" in unseen.text) == (200, True)
        ready = fresh.get("/readyz")
        assert (ready.status, ready.json["databases"]) == (200, {"sales": "ready", "stock": "not ready"})
        pair.stock.resume()
        eventually(lambda: standing(fresh, "stock") != "down")
    eventually(lambda: standing(both, "stock") != "down")
    assert both.get(f"/db/stock/api/v1/jobs/{kept}").json["status"] == "queued"
    eventually(lambda: both.get("/readyz").json["databases"] == dict.fromkeys(NAMES, "ready"))


def test_streams_of_all_databases_end_when_the_server_leaves(pair: Pair) -> None:
    with program(*serving(), DATABASE_URLS=pair.named()) as served:
        web = pair.web(served)
        clients = [Client(web.port, enqueue(web, name, "left"), below=f"/db/{name}") for name in NAMES]
        streams = [client.events() for client in clients]
        assert [next(stream).data["status"] for stream in streams] == ["queued", "queued"]
        served.process.send_signal(signal.SIGTERM)
        for client, stream in zip(clients, streams, strict=True):
            assert (list(stream), client.was_ended) == ([], True)
            client.close()
        assert served.ended() == 0


@pytest.mark.slow
def test_all_that_is_looked_at_together_costs_each_database_three_statements_a_second(pair: Pair) -> None:
    with psycopg.connect(pair.urls["stock"], autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
    paths = ("/", "/metrics", "/readyz", "/db/stock/", "/db/stock/why", "/db/sales/", "/db/stock/metrics")
    with program(*serving(), DATABASE_URLS=pair.named()) as served:
        web = pair.web(served)
        assert {web.get(path).status for path in paths} == {200}
        asked = partial(statements, pair.stock), lambda: [web.get(path) for path in paths]
        assert 0 < statements_a_second(*asked, seconds=20) <= STATEMENTS_A_SECOND


def test_whoever_signs_in_once_is_known_to_all_with_the_role_of_the_first(pair: Pair) -> None:
    """cockroachdb/cockroach#33364, muety/wakapi#310"""
    for role in ("viewer", "operator"):
        add(pair.urls["stock"], role, "--role", role)
    with program(*serving(), "--host", "0.0.0.0", DATABASE_URLS=pair.named("stock", "sales")) as served:
        web = pair.web(served, says="Serving http://0.0.0.0:")
        stranger = web.get("/db/sales/", Accept="text/html")
        assert stranger.headers["location"] == "/db/sales/login?next=%2F"
        for path in ("/", "/api/v1/databases", "/metrics", "/db/sales/metrics", "/db/stock/api/v1/jobs"):
            assert web.get(path).status == 401, path
        for path in ("/login", "/db/sales/login"):
            assert not any(name in web.get(path).text for name in NAMES if name not in path)
        cookie = {"Cookie": cookie_of(signed_in(web)), "Origin": f"http://127.0.0.1:{web.port}"}
        assert {web.get(f"/db/{name}/", **cookie).status for name in NAMES} == {200}
        token = {"Authorization": bearer(token_of(pair.urls["stock"], "viewer"))}
        assert web.get("/metrics", **token).status == 200
        asked = {"type": "by_role"}
        assert web.post("/db/sales/api/v1/jobs", asked, **token).status == 403
        id = web.post("/db/sales/api/v1/jobs", asked, **cookie).json["id"]
        assert web.post(f"/db/sales/api/v1/jobs/{id}/cancel", None, **cookie).status == 200
        actor = "SELECT detail->>'actor' FROM events WHERE kind = 'web.cancel_job' ORDER BY id DESC LIMIT 1"
        assert pair.value("sales", actor) == "operator"

        # The users' own database is away: who was known stays, nobody else comes in.
        pair.stock.halt("immediate")
        assert eventually(lambda: standing_for(web, token) == "down")
        assert web.get("/db/sales/api/v1/jobs", **token).status == 200
        unknown = web.get("/db/sales/api/v1/jobs", Authorization=bearer("x"))
        assert (unknown.status, pair.urls["stock"] in unknown.text) == (503, False)
        pair.stock.resume()
        eventually(lambda: web.get("/db/sales/api/v1/jobs", Authorization=bearer("x")).status == 401)


def test_who_signs_in_at_one_database_gets_the_cookie_of_all(pair: Pair) -> None:
    add(pair.urls["sales"], "cookie", "--role", "viewer")
    serves = (*serving(), "--host", "0.0.0.0", "--prefix", "/tools")
    with program(*serves, DATABASE_URLS=pair.named("sales", "stock")) as served:
        web = pair.web(served, says="Serving http://0.0.0.0:")
        for below in ("", "/db/stock"):
            answered = web.post(f"{below}/api/v1/session", {"name": "cookie", "password": PASSWORD})
            assert "Path=/tools" in answered.headers["set-cookie"].split("; "), below


def standing_for(web: Web, token: dict[str, str]) -> str:
    told = web.get("/api/v1/databases", **token).json["databases"]
    return str(next(one["stands"] for one in told if one["name"] == "stock"))
