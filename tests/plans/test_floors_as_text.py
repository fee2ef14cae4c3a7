"""Floors are dates as text, whatever form of dates a database prefers."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from rowcrew.table.connection import Line

pytestmark = pytest.mark.anyio


async def test_a_database_that_prefers_other_dates_gives_workers_iso_dates(
    database_url: str, database: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET DateStyle TO 'German, DMY'").format(sql.Identifier(database))
        )
    line = Line(database_url, purpose="reserve")
    try:
        ((settled, recent, *_),) = await line.fetch("lines", {"queues": None})
    finally:
        await line.close()
    assert settled is not None
    assert recent is not None
    assert settled[4] == "-"
    assert recent < settled
