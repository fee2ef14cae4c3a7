"""The sampler: how little it asks, and what is shown while the database does not answer."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from functools import partial

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rig.databases import new_database
from rig.programs import program, run
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table.link import Link
from rowcrew.web import sampler
from rowcrew.web.links import Links
from tests.contract.hands import register_worker
from tests.web.conftest import Web, serving
from tests.web.pages.test_seen import EmptyLinks
from tests.web.test_events import Client

STATEMENTS_A_SECOND = 3


def samples(web: Web, name: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(web.get("/metrics").text)
    return {
        tuple(sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


def statements(server: EmbeddedPostgres) -> int:
    """How many the server has logged: it is told to log those of `heard` alone."""
    return len(re.findall(r"LOG:  (?:execute|statement)\b", server.log_path.read_text(errors="replace")))


def statements_a_second(sent: Callable[[], int], ask: Callable[[], object], *, seconds: float) -> float:
    """What a server sends to its database while it is asked ten times a second.

    One that is asked without a pause sends no more, and takes the processors from all other tests.
    """
    before, began = sent(), time.monotonic()
    while time.monotonic() - began < seconds:
        ask()
        time.sleep(0.1)
    return (sent() - before) / (time.monotonic() - began)


@pytest.fixture
def heard(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Web]:
    """A web server whose every statement stands in the server's log."""
    with new_database(server, "heard", template=migrated_template) as name:
        url = server.url_of(name)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} SET log_statement = 'all'".encode())
            with program(*serving(), DATABASE_URL=url) as served:
                yield Web(served, url, connection)


@pytest.mark.parametrize("locked", ["jobs", "job_stats"])
def test_while_a_table_is_locked_the_last_values_are_shown_with_their_age(web: Web, locked: str) -> None:
    web.enqueue("seen", queue="before-the-lock")
    eventually(lambda: samples(web, "rowcrew_queue_depth").get(("before-the-lock", "ready")))
    with psycopg.connect(web.url) as connection:
        connection.execute(f"LOCK TABLE {locked} IN ACCESS EXCLUSIVE MODE".encode())
        eventually(lambda: samples(web, "rowcrew_sample_age_seconds")[("now",)] > 15)
        assert samples(web, "rowcrew_queue_depth")[("before-the-lock", "ready")] >= 1
        problem = eventually(lambda: web.get("/readyz").json.get("problem"))
        assert "in time" in problem
        assert web.get("/readyz").status == 503
        assert web.get("/livez").status == 200
    eventually(lambda: web.get("/readyz").status == 200)


def test_workers_of_a_queue_are_counted_alike_by_the_gauge_the_list_and_the_function(web: Web) -> None:
    web.connection.execute("""INSERT INTO queues (queue, "maxConcurrent") VALUES ('crowded', 3)""")
    for _ in range(2):
        register_worker(web.connection, queues=["crowded"])
    register_worker(web.connection, queues=["crowded"], heartbeatAt="2026-01-01")
    eventually(lambda: samples(web, "rowcrew_queue_workers").get(("crowded", "live")) == 2)
    gauge = samples(web, "rowcrew_queue_workers")
    row = web.connection.execute("SELECT get_active_worker_count('crowded')").fetchone()
    asked = run("queues", "list", "--json", DATABASE_URL=web.url)
    [listed] = [one for one in map(json.loads, asked.stdout.splitlines()) if one["queue"] == "crowded"]
    assert (gauge["crowded", "live"], gauge["crowded", "allowed"]) == (2, 3)
    assert (listed["workers"], listed["workersAllowed"], row) == (2, 3, (2,))


def test_an_old_snapshot_keeps_nothing_from_being_seen(web: Web) -> None:
    with psycopg.connect(web.url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM jobs")
        web.enqueue("beside-a-snapshot", queue="snapshot")
        eventually(lambda: samples(web, "rowcrew_queue_depth").get(("snapshot", "ready")))


def test_the_first_look_at_the_database_waits_for_no_rest(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a database answers slowly, rests are long: longer than the one who asks has patience."""
    monkeypatch.setattr(sampler, "_TICK_SECONDS", 3_600.0)

    async def look() -> bool:
        links = Links(web.url, purpose="test", most=1, only_looks=True)
        looking = sampler.Sampler(links)
        try:
            await looking.look()
            await looking.look_at_database()
            return looking.database.value is not None
        finally:
            await looking.stop()
            await links.close()

    assert asyncio.run(look())


class Looks:
    """Links that lead nowhere, and a look that is answered as it is told to."""

    def __init__(self) -> None:
        self.links = EmptyLinks("", purpose="nobody", most=1, only_looks=True)
        self.number = 0
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def look(self, _: Link) -> int:
        self.number += 1
        number = self.number
        await self.goes_on.wait()
        return number

    async def fail(self, _: Link) -> int:
        raise psycopg.OperationalError("the server is gone")


def test_a_look_that_takes_long_is_taken_the_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks()
    part = sampler.Part(looks.look, every_seconds=0)
    asyncio.run(part.see(looks.links))
    due = []
    for calm in (0, 1e9):
        monkeypatch.setattr(sampler, "_CALM", calm)
        due.append(part.is_due)
    assert due == [True, False]
    assert not part.is_late
    assert sampler.calm_seconds(1.0) == sampler._RAREST_SECONDS


def test_a_look_that_fails_is_tried_again_soon_however_long_others_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks, answers = Looks(), ["look", "fail"]

    async def look(link: Link) -> int:
        return await (looks.look if answers.pop(0) == "look" else looks.fail)(link)

    async def see_twice() -> bool:
        part = sampler.Part(look, every_seconds=0)
        await part.see(looks.links)
        await part.see(looks.links)
        return part.is_due

    monkeypatch.setattr(sampler, "_CALM", 1e9)
    assert asyncio.run(see_twice())


def test_a_look_that_began_before_another_does_not_end_as_the_newer_one() -> None:
    async def see_twice() -> int | None:
        looks = Looks()
        part = sampler.Part(looks.look, every_seconds=0)
        looks.goes_on.clear()
        earlier = asyncio.create_task(part.see(looks.links))
        await asyncio.sleep(0)
        looks.goes_on.set()
        await part.see(looks.links)
        await earlier
        return part.value

    assert asyncio.run(see_twice()) == 2


@pytest.mark.slow
def test_all_screens_that_are_looked_at_together_cost_three_statements_a_second(
    heard: Web, server: EmbeddedPostgres
) -> None:
    screens = ("/", "/why", "/errors", "/workers", "/schedules", "/limits", "/database")
    paths = (*screens, "/api/v1/database", "/metrics")
    assert {heard.get(path).status for path in paths} == {200}
    asked = partial(statements, server), lambda: [heard.get(path) for path in paths]
    assert 0 < statements_a_second(*asked, seconds=24) <= STATEMENTS_A_SECOND


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/jobs?q=type:listed", "/jobs/{id}", "/workflows/{id}"])
def test_many_who_have_the_same_page_open_cost_three_statements_a_second(
    heard: Web, server: EmbeddedPostgres, path: str
) -> None:
    id = heard.enqueue("listed")
    heard.post(f"/api/v1/jobs/{id}/cancel")
    path = path.format(id=id)
    assert heard.get(path).status == 200
    asked = partial(statements, server), lambda: heard.get(path, If_None_Match='""')
    assert 0 < statements_a_second(*asked, seconds=24) <= STATEMENTS_A_SECOND


@pytest.mark.slow
def test_a_hundred_who_watch_cost_three_statements_a_second(heard: Web, server: EmbeddedPostgres) -> None:
    web = heard
    jobs = [web.enqueue("watched-by-many") for _ in range(100)]
    clients = [Client(web.port, job) for job in jobs]
    try:
        first = [next(client.events()) for client in clients]
        assert {event.kind for event in first} == {"job"}
        paths = ("/metrics", "/worker/health", "/readyz")
        asked = partial(statements, server), lambda: [web.get(path) for path in paths]
        assert 0 < statements_a_second(*asked, seconds=12) <= STATEMENTS_A_SECOND
    finally:
        for client in clients:
            client.close()
