"""Events are merged and told: each in one message, told once unless its answer is lost, none forgotten."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest

from rig.table import Table
from rowcrew import settings
from rowcrew.control.chores.deep_queues import DeepQueues
from rowcrew.control.chores.prune import Prune
from rowcrew.control.chores.tell_events import TellEvents
from rowcrew.control.telling.tell import Teller
from rowcrew.log import Log
from rowcrew.model.event import Message, Receiver, backoff_seconds
from rowcrew.table import events
from rowcrew.table.link import Link
from rowcrew.table.statements import SQL
from tests.conftest import Connect

pytestmark = pytest.mark.anyio

OpenLink = Callable[[], Link]


@pytest.fixture
async def open_link(database_url: str) -> AsyncIterator[OpenLink]:
    opened: list[Link] = []

    def open_one() -> Link:
        opened.append(Link(database_url, purpose="test"))
        return opened[-1]

    yield open_one
    for link in opened:
        await link.close()


@pytest.fixture
def link(open_link: OpenLink) -> Link:
    return open_link()


def receive(table: Table, name: str = "ops", via: str = "log", **columns: Any) -> None:
    columns = {"name": name, "via": via, **columns}
    names = ", ".join(f'"{column}"' for column in columns)
    places = ", ".join(["%s"] * len(columns))
    query: Any = f"INSERT INTO event_receivers ({names}) VALUES ({places})"
    table.rows(query, *columns.values())


def happen(table: Table, kind: str = "rained", subject: str = "", **columns: Any) -> int:
    columns = {"kind": kind, "subject": subject, **columns}
    names = ", ".join(f'"{column}"' for column in columns)
    places = ", ".join(["%s"] * len(columns))
    query: Any = f"INSERT INTO events ({names}) VALUES ({places}) RETURNING id"
    return int(table.rows(query, *columns.values())[0]["id"])


def messages(table: Table) -> list[dict[str, Any]]:
    return table.rows("SELECT * FROM event_messages ORDER BY id, receiver")


def chore(link: Link, output: io.StringIO | None = None, **environment: str) -> TellEvents:
    read = settings.read({"DATABASE_URL": "postgresql://unused", **environment})
    return TellEvents(link=link, settings=read, log=Log("json", output or io.StringIO()))


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


async def test_repeats_of_a_subject_are_one_message_and_later_ones_wait(link: Link, table: Table) -> None:
    receive(table)
    output = io.StringIO()
    first = happen(table, "rained", "Oslo", count=2, detail='{"mm": 1}')
    happen(table, "rained", "Oslo", detail='{"mm": 9}')
    other = happen(table, "rained", "Cairo")
    await chore(link, output).once()
    told = {line["message_id"]: line for line in lines(output)}
    assert (told[first]["count"], told[first]["detail"]) == (3, '{"mm": 9}')
    assert told[other]["count"] == 1
    happen(table, "rained", "Oslo")
    await chore(link, output).once()
    assert len(lines(output)) == 2
    await chore(link, output, EVENT_MERGE_INTERVAL="0.001").once()
    assert len(lines(output)) == 3


async def test_a_message_says_the_same_at_every_attempt(link: Link, table: Table) -> None:
    """What comes while it waits to be told again is another message, or a receiver would never hear of it."""
    receive(table)
    first = happen(table)
    await events.merge(link, merge_seconds=0)
    one = uuid.uuid4()
    before = await events.claim(link, receiver="ops", claim=one, claim_seconds=60)
    late = happen(table)
    await events.merge(link, merge_seconds=0)
    await events.settle(
        link, id=first, receiver="ops", claim=one, error="answers 500", most=9, backoff_seconds=0
    )
    claims = [
        await events.claim(link, receiver="ops", claim=uuid.uuid4(), claim_seconds=60) for _ in range(2)
    ]
    again = {message.id: message for message in claims if message is not None}
    assert before is not None
    assert (again[first].count, again[first].body) == (1, before.body)
    assert again[late].count == 1


async def test_receivers_are_told_of_what_they_chose(link: Link, table: Table) -> None:
    receive(table, "everything")
    receive(table, "rain", kinds=["rained"])
    receive(table, "reports", queues=["reports"])
    receive(table, "exports", types=["export"])
    rain, report, export = (
        happen(table),
        happen(table, "late", queue="reports"),
        happen(table, "slow", queue="reports", type="export"),
    )
    await events.merge(link, merge_seconds=60)
    told = {(row["id"], row["receiver"]) for row in messages(table)}
    assert told == {
        *((id, "everything") for id in (rain, report, export)),
        (rain, "rain"),
        (report, "reports"),
        (export, "reports"),
        (export, "exports"),
    }


async def test_without_receivers_events_wait_and_a_new_one_is_not_told_of_old_times(
    link: Link, table: Table
) -> None:
    old = happen(table, "old", createdAt="2001-01-01")
    recent = happen(table, "recent")
    telling = chore(link)
    await telling.once()
    assert table.rows('SELECT id FROM events WHERE "messageId" IS NOT NULL') == []
    slow = telling.period_seconds
    receive(table)
    await telling.once()
    assert telling.period_seconds < slow
    assert [row["id"] for row in messages(table)] == [recent]
    assert table.rows('SELECT id FROM events WHERE "messageId" IS NULL') == []
    assert old != recent


async def test_one_worker_merges_at_a_time(link: Link, table: Table, connect: Connect) -> None:
    receive(table)
    id = happen(table)
    other = connect(autocommit=False)
    other.execute("SET LOCAL enable_seqscan = off")
    row = other.execute(SQL["events/merge"], {"merge_seconds": 60, "most": 10}).fetchone()
    assert row == (1, 1)
    happen(table)
    assert await events.merge(link, merge_seconds=60) == (0, 0)
    other.commit()
    assert await events.merge(link, merge_seconds=60) == (0, 0)  # it was told just now
    assert [(row["id"], row["count"]) for row in messages(table)] == [(id, 1)]


async def test_an_event_that_somebody_has_locked_is_told_in_a_later_message(
    link: Link, table: Table, connect: Connect
) -> None:
    receive(table)
    locked, free = happen(table), happen(table)
    hand = connect(autocommit=False)
    hand.execute("SELECT FROM events WHERE id = %s FOR UPDATE", [locked])
    await events.merge(link, merge_seconds=0)
    hand.rollback()
    await events.merge(link, merge_seconds=0)
    assert [(row["id"], row["count"]) for row in messages(table)] == [(locked, 1), (free, 1)]


async def test_a_merge_is_bounded_and_the_rest_comes_later(link: Link, table: Table) -> None:
    receive(table)
    table.rows("INSERT INTO events (kind, subject) SELECT 'k', 's' FROM generate_series(1, 25)")
    assert await events.merge(link, merge_seconds=0, most=10) == (10, 1)
    assert await events.merge(link, merge_seconds=0, most=10) == (10, 1)
    assert await events.merge(link, merge_seconds=0, most=10) == (5, 1)
    assert sum(row["count"] for row in messages(table)) == 25


async def test_a_claim_that_ran_out_settles_nothing(link: Link, table: Table) -> None:
    receive(table)
    id = happen(table)
    await events.merge(link, merge_seconds=60)
    dead, living = uuid.uuid4(), uuid.uuid4()
    assert await events.claim(link, receiver="ops", claim=dead, claim_seconds=0) is not None
    again = await events.claim(link, receiver="ops", claim=living, claim_seconds=60)
    assert again is not None
    assert again.attempts == 2
    assert await events.claim(link, receiver="ops", claim=uuid.uuid4(), claim_seconds=60) is None

    async def settle(claim: uuid.UUID, error: str | None) -> bool | None:
        return await events.settle(
            link, id=id, receiver="ops", claim=claim, error=error, most=9, backoff_seconds=60
        )

    assert await settle(dead, "too late") is None
    assert await settle(living, None) is False
    assert await settle(living, None) is None
    (row,) = messages(table)
    assert row["deliveredAt"] is not None
    assert row["error"] is None


async def test_a_message_is_given_up_after_its_attempts(link: Link, table: Table) -> None:
    receive(table, "page", "command", target="no-such", maxAttempts=2)
    happen(table)
    output = io.StringIO()
    telling = chore(link, output, EVENT_COMMANDS='{"no-such": ["/no/such/program"]}')
    for _ in range(2):
        await telling.once()
        table.rows('UPDATE event_messages SET "deliverAt" = now()')
    (row,) = messages(table)
    assert (row["attempts"], row["deliveredAt"]) == (2, None)
    assert row["failedAt"] is not None
    assert row["error"] == "/no/such/program cannot be started: No such file or directory"
    assert [line["event"] for line in lines(output)] == ["event.failed", "event.untold"]


def test_the_backoff_doubles_and_ends_at_an_hour() -> None:
    assert [backoff_seconds(attempts, 0.5) for attempts in (1, 2, 3)] == [10, 20, 40]
    assert backoff_seconds(30_000, 0.5) == 3600
    assert 7.5 <= backoff_seconds(1, random.random()) <= 12.5


async def test_a_worker_leaves_receivers_it_cannot_tell_to_others(link: Link, table: Table) -> None:
    receive(table, "hook", "webhook", target="https://example.com/events")
    receive(table, "page", "command", target="page")
    happen(table)
    await chore(link).once()
    assert {(row["receiver"], row["attempts"]) for row in messages(table)} == {("hook", 0), ("page", 0)}


async def test_a_slow_receiver_holds_up_no_other(
    link: Link, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(table, "slow")
    receive(table, "quick")
    gate, told = asyncio.Event(), list[str]()

    async def tell(_self: Teller, receiver: Receiver, message: Message) -> None:
        if receiver.name == "slow":
            await gate.wait()
        told.append(f"{receiver.name} {message.subject}")
        if told == ["quick one"]:
            happen(table, subject="two")
        if told[-1] == "quick two":
            gate.set()

    monkeypatch.setattr(Teller, "tell", tell)
    monkeypatch.setattr("rowcrew.control.chores.tell_events.LOOK_SECONDS", 0.05)
    happen(table, subject="one")
    await chore(link).once()
    assert told[:2] == ["quick one", "quick two"]
    assert sorted(told[2:]) == ["slow one", "slow two"]


async def test_of_ten_thousand_events_none_is_lost_and_none_is_in_two_messages(
    open_link: OpenLink, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four workers merge and tell while events are written; a quarter of the tellings fail, some die."""
    receive(table, "ops", maxAttempts=100)
    total, subjects, chance = 10_000, 51, random.Random(7)
    heard: dict[int, set[bytes]] = {}

    async def tell(_self: Teller, _receiver: Receiver, message: Message) -> str | None:
        heard.setdefault(message.id, set()).add(message.body)
        await asyncio.sleep(0)
        if chance.random() < 0.05:
            raise asyncio.CancelledError  # the deliverer dies between claim and settlement
        return "answers 500" if chance.random() < 0.25 else None

    async def deliver(telling: TellEvents) -> None:
        while not done.is_set():
            try:
                await telling.once()
            except asyncio.CancelledError:
                if done.is_set():
                    raise
            await asyncio.sleep(0)

    async def write(writer: Link) -> None:
        for _ in range(total // 50):
            query = (
                "INSERT INTO events (kind, subject)"
                " SELECT 'k', (random() * %(last)s)::int FROM generate_series(1, 50)"
            )
            await writer.fetch(query, {"last": subjects - 1})

    monkeypatch.setattr(Teller, "tell", tell)
    monkeypatch.setattr("rowcrew.control.chores.tell_events.SPARE_SECONDS", -9.9)
    monkeypatch.setattr("rowcrew.control.chores.tell_events.backoff_seconds", lambda *_: 0.01)
    done = asyncio.Event()
    interval_seconds, begun = 0.2, time.monotonic()
    chores = [chore(open_link(), EVENT_MERGE_INTERVAL=str(interval_seconds)) for _ in range(4)]
    deliverers = [asyncio.create_task(deliver(telling)) for telling in chores]
    await write(open_link())
    looker = open_link()
    untold = """
        SELECT (SELECT count(*) FROM events WHERE "messageId" IS NULL)
             + (SELECT count(*) FROM event_messages WHERE "deliveredAt" IS NULL)"""
    while (await looker.fetch(untold, {}))[0][0]:
        await looker.fetch("SELECT pg_sleep(0.05)", {})
    done.set()
    await asyncio.gather(*deliverers)
    merges = (time.monotonic() - begun) / interval_seconds + 1
    rows = messages(table)
    assert {row["id"] for row in rows} == set(heard)
    assert all(len(bodies) == 1 for bodies in heard.values())
    assert sum(row["count"] for row in rows) == total
    assert len(rows) <= subjects * merges
    counted = 'SELECT "messageId" AS id, count(*) AS n FROM events GROUP BY 1'
    assert {row["id"]: row["n"] for row in table.rows(counted)} == {row["id"]: row["count"] for row in rows}


async def test_a_deep_queue_is_told_once_a_minute_whoever_looks(
    open_link: OpenLink, table: Table, connect: Connect
) -> None:
    table.rows("INSERT INTO queue_alarms (queue, \"readyAbove\") VALUES ('reports', 2), ('quiet', 2)")
    for _ in range(3):
        table.enqueue("report", queue="reports")
    table.enqueue("report", queue="quiet")
    table.enqueue("report", queue="unwatched")
    await asyncio.gather(*(DeepQueues(link=open_link()).once() for _ in range(4)))
    (event,) = table.rows("SELECT * FROM events")
    assert (event["kind"], event["subject"], event["queue"]) == ("queue.depth.high", "reports", "reports")
    assert (event["detail"]["ready"], event["detail"]["readyAbove"]) == (3, 2)
    table.rows("UPDATE queue_alarms SET \"lookedAt\" = now() - interval '1 minute'")
    hand = connect(autocommit=False)
    hand.execute("SELECT FROM queue_alarms FOR UPDATE")
    await DeepQueues(link=open_link()).once()
    assert len(table.rows("SELECT id FROM events")) == 1
    hand.rollback()
    await DeepQueues(link=open_link()).once()
    assert len(table.rows("SELECT id FROM events")) == 2


async def test_jobs_for_later_make_no_queue_deep(link: Link, table: Table) -> None:
    table.rows("INSERT INTO queue_alarms (queue, \"readyAbove\") VALUES ('default', 0)")
    table.enqueue("report", runAt="2199-01-01")
    await DeepQueues(link=link).once()
    assert table.rows("SELECT id FROM events") == []


async def test_old_events_and_messages_go(link: Link, table: Table) -> None:
    receive(table, createdAt="2000-01-01")
    old = happen(table, createdAt="2001-01-01")
    await events.merge(link, merge_seconds=60)
    table.rows("UPDATE event_messages SET \"createdAt\" = '2001-01-01'")
    young = happen(table)
    read = settings.read({"DATABASE_URL": "postgresql://unused", "EVENT_TTL": "1d"})
    await Prune(link=link, settings=read, log=Log("text", io.StringIO())).once()
    assert [row["id"] for row in table.rows("SELECT id FROM events")] == [young]
    assert messages(table) == []
    assert old < young


async def test_an_outage_gives_up_what_is_being_told(
    link: Link, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(table)
    happen(table)
    is_telling, was_cancelled = asyncio.Event(), asyncio.Event()

    async def tell(_self: Teller, _receiver: Receiver, _message: Message) -> None:
        is_telling.set()
        try:
            await asyncio.Event().wait()
        finally:
            was_cancelled.set()

    async def lost(*_: object) -> None:
        raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(Teller, "tell", tell)
    monkeypatch.setattr("rowcrew.control.chores.tell_events.LOOK_SECONDS", 0.05)
    telling = chore(link)
    task = asyncio.create_task(telling.once())
    await is_telling.wait()
    monkeypatch.setattr(events, "receivers", lost)
    with pytest.raises(psycopg.OperationalError):
        await task
    assert was_cancelled.is_set()


async def test_what_is_given_up_leaves_no_error_behind(
    link: Link, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker takes an error that nobody asked its task for as its own end."""
    receive(table, "one")
    receive(table, "two")
    happen(table)
    is_settling = asyncio.Event()
    forgotten: list[dict[str, Any]] = []

    async def tell(_self: Teller, receiver: Receiver, _message: Message) -> None:
        if receiver.name == "one":
            await is_settling.wait()

    async def settle(*_: object, receiver: str, **__: object) -> None:
        try:
            if receiver == "two":
                is_settling.set()
                await asyncio.Event().wait()
        finally:
            raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(Teller, "tell", tell)
    monkeypatch.setattr(events, "settle", settle)
    monkeypatch.setattr("rowcrew.control.chores.tell_events.LOOK_SECONDS", 0.05)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: forgotten.append(context))
    with pytest.raises(psycopg.OperationalError):
        await chore(link).once()
    gc.collect()
    await asyncio.sleep(0)
    assert forgotten == []
