"""All databases of the process on one page: how each stands, those that do not answer first.

In: what the sampler of each saw last. Out: a row for each, and one sentence. Called by `web/several.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from rowcrew.model.standing import named
from rowcrew.web.pages.screen import DATABASES, place_of
from rowcrew.web.shared import Shared

_ORDER: Final = ("down", "unserved", "behind", "paused", "on pace", "idle")


class Standing(msgspec.Struct, frozen=True, rename="camel"):
    """A database as it was seen last.

    Attributes:
        path: below which its pages and its API are.
        stands: `down` if it did not answer the latest look, else the word for its worst queue.
        problem: why it is down.
        age_seconds: how old the figures are; None = it was never seen, and the figures are 0.
        more: whether some were counted up to 10,000 only.
        workers: those that live.
    """

    name: str
    path: str
    database: str
    host: str
    stands: str
    problem: str | None
    age_seconds: float | None
    sentence: str | None
    ready: int
    more: bool
    processing: int
    ended_per_minute: float
    failed: int
    workers: int

    @property
    def rank(self) -> int:
        """The smaller, the more somebody should look there first."""
        return _ORDER.index(self.stands)


class Databases(msgspec.Struct, frozen=True):
    """All databases of the process, in the order of `DATABASE_URLS`."""

    databases: list[Standing]


def standing(name: str, common: Shared) -> Standing:
    part = common.sampler.now
    queues = part.value.queues if part.value else []
    is_down = part.value is None or part.problem is not None
    return Standing(
        name=name,
        path=f"{DATABASES}/{name}",
        **place_of(common.address),
        stands="down" if is_down else min((one.stands for one in queues), key=_ORDER.index, default="idle"),
        problem=part.problem or "the first look has not ended" if is_down else None,
        age_seconds=part.age_seconds,
        sentence=part.value.sentence if part.value else None,
        ready=sum(queue.ready for queue in queues),
        more=any(queue.more for queue in queues),
        processing=sum(queue.processing for queue in queues),
        ended_per_minute=sum(queue.ended_per_minute for queue in queues),
        failed=sum(queue.failed for queue in queues),
        workers=len(part.value.live) if part.value else 0,
    )


def sentence(rows: Sequence[Standing]) -> str:
    """What to look at first."""
    if down := [row.name for row in rows if row.stands == "down"]:
        return f"{named(down)} {'does' if len(down) == 1 else 'do'} not answer."
    if behind := [row.name for row in rows if row.stands in ("unserved", "behind")]:
        return f"{named(behind)} {'is' if len(behind) == 1 else 'are'} behind; every database answers."
    return "Every database answers, and none is behind."
