"""Database: what hurts queues on this server, judged, each with the statement that helps; who did what."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin.check import Check
from rowcrew.admin.database import DatabaseNow
from rowcrew.model.database import Judgement
from rowcrew.model.duration import duration
from rowcrew.model.size import size
from rowcrew.web.pages.remedies import as_sentence, worded
from rowcrew.web.pages.screen import Desk

TITLES: Final = {
    "snapshot": "Oldest snapshot",
    "dead-rows": "Dead rows",
    "autovacuum": "Autovacuum",
    "indexes": "Indexes",
    "connections": "Connections",
    "wal": "WAL",
    "stand-bys": "Stand-bys",
    "transaction-ids": "Transaction ids",
    "settings": "Settings",
}
_TONES: Final = {
    "bad": ("bad", "bad"),
    "failed": ("bad", "bad"),
    "warning": ("warn", "behind"),
    "hidden": ("", "cancelled"),
    "look": ("", "search"),
    "ok": ("ok", "ok"),
}


SHOWN_TABLES: Final = 10
SHOWN_INDEXES: Final = 10


class Shown(NamedTuple):
    """A judgement with its title, tone and shape."""

    title: str
    tone: str
    icon: str
    one: Judgement


class Said(NamedTuple):
    """What the doctor says of one thing, and what to do about it."""

    tone: str
    icon: str
    name: str
    what: str
    does: str


async def show_database(desk: Desk, request: Request) -> Response:
    sight = await desk.seen.database()
    checks = desk.seen.checks().value

    def facts() -> dict[str, Any]:
        return {
            "shown_tables": SHOWN_TABLES,
            "shown_indexes": SHOWN_INDEXES,
            "told": _told(sight.value),
            "about": _about(sight.value),
            "judged": [shown(one) for one in sight.value.judgements] if sight.value else [],
            "doctor": None if checks is None else [_said(one) for one in checks],
        }

    return desk.sight_page(request, "database", sight, checks, facts=facts)


def shown(one: Judgement) -> Shown:
    return Shown(TITLES.get(one.topic, one.topic), *_TONES[one.result], one)


def _said(one: Check) -> Said:
    return Said(*_TONES[one.result], one.name, as_sentence(one.what), worded(one.remedies))


def _told(now: DatabaseNow | None) -> str:
    """What a colleague would say first."""
    wrong = [one for one in now.judgements if one.result in ("bad", "warning")] if now else []
    if not wrong:
        return "Nothing in the database needs a person."
    first = TITLES[wrong[0].topic].lower() if wrong[0].topic != "wal" else "WAL"
    if len(wrong) == 1:
        return f"One thing in the database needs a person: {first}."
    return f"{len(wrong)} things in the database need a person, first of all: {first}."


def _about(now: DatabaseNow | None) -> str:
    if now is None:
        return ""
    server = now.seen.server
    ours = size(sum(one.table_bytes + one.index_bytes for one in now.seen.tables))
    return (
        f"PostgreSQL {server.version.partition(' ')[0]}, up for {duration(server.up_seconds)};"
        f" {size(server.bytes)} in this database, {ours} of them in Rowcrew's tables."
    )
