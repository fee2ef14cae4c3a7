"""Events that producers write: in the caller's transaction, with their fields checked."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from rowcrew import InvalidEvent, NewEvent, emit, emit_async
from tests.conftest import Connect

TOLD = "SELECT kind, subject, count, detail->>'invoiceId' FROM events"


def test_an_event_belongs_to_the_transaction_of_its_producer(database_url: str, connect: Connect) -> None:
    with psycopg.connect(database_url) as producer:
        emit(NewEvent("invoice.overdue", "ACME", detail={"invoiceId": 7}), on=producer)
        assert connect().execute(TOLD).fetchall() == []
        producer.commit()
    assert connect().execute(TOLD).fetchall() == [("invoice.overdue", "ACME", 1, "7")]


def test_an_asynchronous_producer_tells_the_same(database_url: str, connect: Connect) -> None:
    async def tell() -> None:
        async with await psycopg.AsyncConnection.connect(database_url) as producer:
            await emit_async(NewEvent("invoice.overdue", "ACME", count=3), on=producer)

    asyncio.run(tell())
    assert connect().execute(TOLD).fetchall() == [("invoice.overdue", "ACME", 3, None)]


def test_one_of_rowcrews_own_kinds_refuses_all(database_url: str, connect: Connect) -> None:
    told = pytest.raises(InvalidEvent, match=r"^kind: .job.failed")
    with psycopg.connect(database_url) as producer, told:
        emit(NewEvent("invoice.overdue"), NewEvent("job.failed"), on=producer)
    assert connect().execute(TOLD).fetchall() == []
