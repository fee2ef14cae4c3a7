"""The language of the search box, read and spelled; how far a search for text reads, and where it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rowcrew.admin import looks
from rowcrew.admin.looks import Page
from rowcrew.admin.search import Unreadable, frozen, search, spelled
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table import looks as statements
from rowcrew.table.link import Link
from rowcrew.table.looks import Search


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("failed queue:mail", Search(statuses=("failed",), queues=("mail",))),
        ("since:2h", Search(since=timedelta(hours=2))),
        ("since:90min", Search(since=timedelta(minutes=90))),
        ("since:5m", Search(since=timedelta(minutes=5))),
        ("since:2026-11-27", Search(since=datetime(2026, 11, 27, tzinfo=UTC))),
        ("since:2026-11-27T10:00+02:00", Search(since=datetime(2026, 11, 27, 8, tzinfo=UTC))),
        ('"50 %" "say ""hi"""', Search(texts=("50 %", 'say "hi"'))),
        ('"failed" failed', Search(statuses=("failed",), texts=("failed",))),
    ],
)
def test_a_search_means_what_it_says_and_is_spelled_so_again(typed: str, meant: Search) -> None:
    assert search(typed) == meant
    assert search(spelled(meant)) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "since:",
        "since:soon",
        "since:1h since:2h",
        "text",
        '""',
        "since:99999999w",
        "since:999999999w",
        "since:0001-01-01T00:00+14:00",
        "since:9999-12-31T23:59-14:00",
    ],
)
def test_what_nobody_understands_is_told(typed: str) -> None:
    with pytest.raises(Unreadable):
        search(typed)


def test_a_frozen_search_means_the_same_jobs_later_on() -> None:
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert frozen(search("since:2h"), now) == search("since:2026-11-27T10:00")
    assert frozen(search("failed"), now) == search("failed")


@pytest.fixture
def table(server: EmbeddedPostgres, database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server.url_of(database), autocommit=True) as connection:
        yield connection


@pytest.fixture
def url(server: EmbeddedPostgres, database: str) -> str:
    return server.url_of(database)


def page(url: str, typed: str, *, before: int | None = None, limit: int = 50, **session: str) -> Page:
    async def ask() -> Page:
        link = Link(url, purpose="test", session=session)
        try:
            return await looks.page(link, search(typed), before=before, limit=limit)
        finally:
            await link.close()

    return asyncio.run(ask())


def insert(table: psycopg.Connection[Any], payload: str, **columns: Any) -> int:
    names = "".join(f', "{name}"' for name in columns)
    values = ", ".join(["%s"] * (1 + len(columns)))
    statement = f"INSERT INTO jobs (type, payload{names}) VALUES ('t', {values}) RETURNING id"
    row = table.execute(statement.encode(), [payload, *columns.values()]).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(
    "text", ["München", "MÜNCHEN", "100 %", 'say "hi"', "a_b", r"c:\dir", "</script>", "line\nend", "'; DROP"]
)
def test_a_text_is_found_as_it_was_written_whatever_it_is(
    table: psycopg.Connection[Any], url: str, text: str
) -> None:
    insert(table, '{"other": "a-b 100 x c:/dir"}')
    payload = '{"deep": [{"city": "münchen 100 % say \\"hi\\" a_b c:\\\\dir </script> line\\nend \'; DROP"}]}'
    wanted = insert(table, payload)
    typed = '"{}"'.format(text.replace('"', '""'))
    assert [job.id for job in page(url, typed).jobs] == [wanted]


def test_all_texts_must_stand_there_and_other_words_narrow(table: psycopg.Connection[Any], url: str) -> None:
    both = insert(table, '{"a": "red", "b": "blue"}')
    insert(table, '{"a": "red"}')
    assert [job.id for job in page(url, '"red" "blue"').jobs] == [both]
    assert page(url, '"red" queue:nowhere').jobs == []


def test_since_leaves_out_what_was_created_before(table: psycopg.Connection[Any], url: str) -> None:
    insert(table, "{}", createdAt=datetime.now(UTC) - timedelta(hours=3))
    young = insert(table, "{}")
    assert [job.id for job in page(url, "since:2h").jobs] == [young]
    assert len(page(url, "since:4h").jobs) == 2


def test_a_page_of_texts_reads_no_further_than_it_says_and_the_next_goes_on(
    table: psycopg.Connection[Any], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bensheldon/good_job#1366"""
    monkeypatch.setattr(looks, "READ_THROUGH", 1_000)
    first = insert(table, '{"a": "needle"}')
    table.execute("INSERT INTO jobs (type) SELECT 't' FROM generate_series(1, 1500)")
    seen = page(url, '"needle"')
    assert (seen.jobs, seen.looked_through, seen.is_cut) == ([], 1_000, False)
    assert seen.before is not None
    assert [job.id for job in page(url, '"needle"', before=seen.before).jobs] == [first]


def test_a_search_whose_time_is_up_says_so_and_goes_on_where_it_was(
    table: psycopg.Connection[Any], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "_READ_SECONDS", 0.0)
    table.execute(
        """INSERT INTO jobs (type, payload) SELECT 't', '{"a": "x"}' FROM generate_series(1, 1200)"""
    )
    needle = 1
    table.execute("""UPDATE jobs SET payload = '{"a": "needle"}' WHERE id = 1""")
    seen, pages = page(url, '"needle"'), 1
    while not seen.jobs and seen.before is not None:
        assert seen.is_cut
        seen, pages = page(url, '"needle"', before=seen.before), pages + 1
    assert ([job.id for job in seen.jobs], pages) == ([needle], 3)


def test_a_step_that_the_server_gives_up_ends_the_page_with_what_was_found(
    table: psycopg.Connection[Any], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    young = '{"a": "needle"}'
    table.execute("INSERT INTO jobs (type) SELECT 't' FROM generate_series(1, 900)")
    found = insert(table, young)
    asked = statements.list_page
    calls: list[int] = []

    async def second_is_late(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise psycopg.errors.QueryCanceled
        return await asked(*arguments, **named)

    monkeypatch.setattr(statements, "list_page", second_is_late)
    seen = page(url, '"needle"')
    assert ([job.id for job in seen.jobs], seen.is_cut, seen.looked_through) == ([found], True, 500)


def test_who_must_wait_for_the_first_step_already_is_told_by_the_error(
    table: psycopg.Connection[Any], url: str
) -> None:
    insert(table, "{}")
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.QueryCanceled):
            page(url, '"needle"', statement_timeout="200")
