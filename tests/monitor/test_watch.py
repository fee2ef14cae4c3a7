"""The link of somebody who watches, and what is said when it gets no answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from rowcrew.admin.link import WatchingLink, looking, problem
from rowcrew.admin.looks import reasons
from rowcrew.admin.now import now
from rowcrew.admin.one_job import one_job
from rowcrew.admin.workers import list_workers
from rowcrew.monitor.screens import EVERY_SECONDS
from rowcrew.monitor.watch import Watch
from rowcrew.table.link import Link
from tests.conftest import Connect
from tests.contract.hands import insert
from tests.monitor.conftest import Connection

pytestmark = pytest.mark.anyio


@pytest.fixture
async def link(database_url: str) -> AsyncIterator[WatchingLink]:
    link = WatchingLink(database_url)
    yield link
    await link.close()


async def answer(link: Link) -> list[tuple[int]]:
    return await link.fetch("SELECT 1", {})


async def nap(link: Link) -> list[tuple[int]]:
    return await link.fetch("SELECT 1 FROM pg_sleep(9)", {})


async def test_whoever_watches_changes_nothing(link: WatchingLink, connect: Connect) -> None:
    insert(connect())
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        async with looking(link):
            await link.fetch("UPDATE jobs SET priority = 1", {})


async def test_a_statement_that_takes_two_seconds_is_given_up_and_is_called_late(
    link: WatchingLink, database_url: str
) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled) as canceled:
        async with looking(link):
            await nap(link)
    assert problem(canceled.value, database_url).kind == "late"


async def test_the_limit_ends_with_the_transaction(link: WatchingLink) -> None:
    async with looking(link):
        inside = await link.fetch("SHOW statement_timeout", {})
    assert (inside, await link.fetch("SHOW statement_timeout", {})) == ([("2s",)], [("0",)])


async def test_a_late_answer_leaves_the_age_of_the_last_values(link: WatchingLink, database_url: str) -> None:
    moment = [100.0]
    watch = Watch(link=link, address=database_url, clock=lambda: moment[0])
    assert await watch.ask(answer) == [(1,)]
    answered_at = watch.moment()
    moment[0] = 142.0
    assert await watch.ask(nap) is None
    told = watch.standing(answered_at, 0)
    assert told.text == "▲ values of 42 s ago · the database answers late: nothing within 2 s"
    assert await watch.ask(answer) == [(1,)]
    assert watch.standing(watch.moment(), 0).text == "● live · 0 s ago"


async def test_a_screen_whose_answers_take_long_asks_more_seldom(
    link: WatchingLink, database_url: str
) -> None:
    moments = [0.0, 1.5, 10.0, 10.1, 20.0]
    watch = Watch(link=link, address=database_url, clock=lambda: moments.pop(0))
    await watch.ask(answer)
    assert watch.rest_seconds(3.0) == 6.0
    await watch.ask(answer)
    assert watch.rest_seconds(3.0) == 3.0
    await watch.ask(nap)
    assert watch.rest_seconds(3.0) == 3.0  # where there is no answer, it is looked for as ever


async def test_a_watch_outlives_a_server_that_ends_its_session(
    link: WatchingLink, database_url: str, connect: Connect
) -> None:
    watch = Watch(link=link, address=database_url)
    assert await watch.ask(answer) == [(1,)]
    connect().execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'rowcrew monitor' AND datname = current_database()"
    )
    assert await watch.ask(answer) is None
    assert watch.problem is not None
    assert watch.problem.kind == "unreachable"
    assert "secret" not in watch.standing(None, 0).text
    assert await watch.ask(answer) == [(1,)]
    assert watch.problem is None


class CountingLink(WatchingLink):
    """Counts what it asks."""

    asked = 0

    async def fetch(self, *arguments: Any, **options: Any) -> list[Any]:
        self.asked += 1
        return await super().fetch(*arguments, **options)


async def test_no_screen_asks_more_than_three_statements_a_second(
    lively: Connection, database_url: str
) -> None:
    link = CountingLink(database_url)
    for question in (now, reasons, list_workers, lambda link: one_job(link, 2)):
        link.asked = 3  # BEGIN, its settings, COMMIT
        assert await Watch(link=link, address=database_url).ask(question)
        assert link.asked / EVERY_SECONDS <= 3
    await link.close()
