"""Floors are dates as text, whatever form of dates a database prefers."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from rowcrew.table.link import Link
from rowcrew.table.statements import SQL

pytestmark = pytest.mark.anyio


async def test_a_database_that_prefers_other_dates_gives_workers_iso_dates(
    database_url: str, database: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET DateStyle TO 'German, DMY'").format(sql.Identifier(database))
        )
    link = Link(database_url, purpose="reserve")
    try:
        ((settled, recent, *_),) = await link.fetch(SQL["worker/lines"], {"queues": None})
    finally:
        await link.close()
    assert settled is not None
    assert recent is not None
    assert settled[4] == "-"
    assert recent < settled
