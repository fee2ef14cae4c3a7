"""How the database is: what hurts queues, judged, and what helps; what the doctor says; who did what.

In: a link. Out: a picture of this moment, made of bounded looks. Called by the web, which looks again every
few seconds while somebody wants to see it.
"""

from __future__ import annotations

import time
from typing import Final

import msgspec

from rowcrew.admin import judged_server, judged_tables
from rowcrew.admin.check import Check
from rowcrew.admin.database_checks import STANDING
from rowcrew.family import own_tables
from rowcrew.model.database import SETTINGS, Judgement, Looks
from rowcrew.table import looks, worker
from rowcrew.table.link import Link
from rowcrew.table.looks import Act

MOST_ACTS: Final = 30

_ORDER: Final = {"bad": 0, "warning": 1, "hidden": 2, "ok": 3}

# Shorter transactions hold nothing that anybody would notice.
HELD_SECONDS: Final = 1.0
_HELD_TRANSACTIONS: Final = 1_000


class DatabaseNow(msgspec.Struct, frozen=True, rename="camel"):
    """A moment of the database: what is judged, what it was judged by, and what people did lately."""

    judgements: list[Judgement]
    seen: Looks
    acts: list[Act]


class Database:
    """Looks at a database again and again: how much WAL a second brings is the difference of two looks."""

    def __init__(self) -> None:
        self._wal: tuple[float, int] | None = None

    async def look(self, link: Link) -> DatabaseNow:
        tables = sorted(own_tables())
        server = await looks.look_at_server(link)
        seen = Looks(
            server,
            self._wal_per_second(server.wal_bytes),
            await worker.snapshot_holders(link, seconds=HELD_SECONDS, transactions=_HELD_TRANSACTIONS),
            await looks.look_at_tables(link, tables=tables),
            await looks.look_at_indexes(link, tables=tables),
            await looks.look_at_receivers(link),
            await looks.look_at_settings(link, names=SETTINGS),
        )
        return DatabaseNow(judgements(seen), seen, await looks.list_acts(link, limit=MOST_ACTS))

    def _wal_per_second(self, wal_bytes: int) -> float | None:
        """None at the first look, and where the server has begun to count anew."""
        before, self._wal = self._wal, (time.monotonic(), wal_bytes)
        if before is None or wal_bytes < before[1]:
            return None
        return (wal_bytes - before[1]) / max(1.0, self._wal[0] - before[0])


def judgements(seen: Looks) -> list[Judgement]:
    """One for each topic, what needs a person first."""
    found = [
        judged_tables.snapshot(seen.server, seen.holders),
        judged_tables.dead_rows(seen.tables),
        judged_tables.autovacuum(seen.server, seen.tables),
        judged_tables.indexes(seen.indexes),
        judged_server.connections(seen.server),
        judged_server.wal(seen.wal_bytes_per_second),
        judged_server.standbys(seen.server, seen.receivers),
        judged_server.transaction_ids(seen.server),
        judged_server.settings(seen.settings),
    ]
    return sorted(found, key=lambda one: _ORDER[one.result])


async def examine(link: Link) -> list[Check]:
    """What the doctor says of rows and sessions, whatever its own environment; what is wrong comes first."""
    found = [one for look in STANDING for one in await look(link)]
    return sorted(found, key=lambda one: one.result == "ok")
