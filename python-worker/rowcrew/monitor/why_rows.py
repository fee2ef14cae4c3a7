"""Why jobs do not run, in groups, each with the one thing that frees it; those for a person stand first.

In: counts of jobs by reason. Out: a table. Called by the screen Why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from rowcrew.model.remedy import Remedy, RemedyKind
from rowcrew.model.terminal_text import one_line
from rowcrew.monitor.table import Cell, Column, Row, Table, Tone
from rowcrew.monitor.words import Worded, amount
from rowcrew.table.rows import ReasonCount

_COUNTED: Final = 1_000


class _Words(NamedTuple):
    """How a reason is told, and which remedy frees such jobs; None = they come free by themselves."""

    mark: str
    what: str
    tone: Tone
    remedy: RemedyKind | None = None


# Ordered by how much somebody has to do.
_REASONS: Final[Mapping[str, _Words]] = {
    "no-worker": _Words("◆", "no worker lives", "bad", "start-worker"),
    "queue-unserved": _Words("◆", "no worker serves the queue", "bad", "serve-queue"),
    "type-unknown": _Words("◆", "no worker knows the type", "bad", "start-crew"),
    "set-aside": _Words("◆", "set aside", "bad", "ask-why-of"),
    "overdue": _Words("▲", "overdue though slots are free", "warn", "ask-why-of"),
    "queue-paused": _Words("‖", "paused", "warn", "resume-queue"),
    "limit-reached": _Words("▲", "a limit is held", "warn", "raise-limit"),
    "slots-taken": _Words("▲", "every slot is taken", "warn", "add-slots"),
    "rate-used-up": _Words("○", "the rate is used up", "ink"),
    "backoff": _Words("○", "backing off after an error", "ink"),
    "waiting": _Words("◌", "waiting for other jobs", "ink"),
    "snoozed": _Words("○", "snoozed by the handler", "dim"),
    "scheduled": _Words("○", "due later", "dim"),
    "about-to-run": _Words("=", "about to run", "dim"),
}
_UNKNOWN: Final = _Words("?", "", "ink", "ask-why-of")
_RANKS: Final = {reason: rank for rank, reason in enumerate(_REASONS)}


def why_table(reasons: Sequence[ReasonCount], worded: Worded) -> Table:
    """A line for each reason, queue and type; the key is the first job of the group."""
    columns = (
        Column("jobs", right=True),
        Column("why"),
        Column("queue", gives_way=True),
        Column("type", gives_way=True),
        Column("what frees them", gives_way=True),
    )
    ordered = sorted(reasons, key=lambda one: (_RANKS.get(one.reason, -1), -one.jobs, one.queue, one.type))
    return Table(columns, [Row(str(one.first_id), _cells(one, worded)) for one in ordered])


def _cells(one: ReasonCount, worded: Worded) -> list[Cell]:
    words = _REASONS.get(one.reason, _UNKNOWN._replace(what=one.reason))
    remedy = None if words.remedy is None else Remedy(words.remedy, name=one.queue, job=one.first_id)
    return [
        Cell(amount(one.jobs, one.jobs >= _COUNTED), "strong"),
        Cell(f"{words.mark} {words.what}", words.tone),
        Cell(one.queue),
        Cell(one_line(one.type)),
        Cell("nothing to do", "dim") if remedy is None else Cell(one_line(worded([remedy])), "work"),
    ]
