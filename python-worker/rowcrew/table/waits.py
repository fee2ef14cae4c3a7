"""Jobs that wait for others: a function for each statement in `sql/waits/`, by its name.

In: a link and plain values. Out: rows with names. Called by the chores that let jobs go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rowcrew.table.link import CHORE_SECONDS, Link
from rowcrew.table.statements import SQL


class Examined(NamedTuple):
    """What one look at jobs that wait came to.

    Attributes:
        mine: False where another worker was at it; then nothing was done.
        released: may run now.
        ended: failed or were cancelled, as what they waited for did.
        moved: waiters that watch another job now, and ended jobs that have told their waiters.
        left: could not be decided, for a lock or for their number.
        came_to: the largest id among the new waiters of this look; None when there was none.
        told_to: the largest id among the ended jobs whose waiters it reached; None when there was none.
    """

    mine: bool
    released: int
    ended: int
    moved: int
    left: int
    came_to: int | None
    told_to: int | None

    @property
    def has_moved(self) -> bool:
        return bool(self.released or self.ended or self.moved)

    def and_also(self, other: Examined) -> Examined:
        return Examined(
            self.mine and other.mine,
            self.released + other.released,
            self.ended + other.ended,
            self.moved + other.moved,
            self.left + other.left,
            None,
            None,
        )


class WaitsDue(NamedTuple):
    """Whether a job is to be examined, and whether one waits at all."""

    due: bool
    waiting: bool


class SweptWaits(NamedTuple):
    """Where a walk over jobs that wait came to, None at the end; and how many are to be looked at again."""

    came_to: int | None
    came_to_id: int | None
    again: int


async def waits_due(link: Link) -> WaitsDue:
    ((due, waiting),) = await link.fetch(SQL["waits/waits_due"], {}, CHORE_SECONDS)
    return WaitsDue(due, waiting)


async def to_examine(link: Link) -> list[int]:
    """At most a thousand ids, in order."""
    return [id for (id,) in await link.fetch(SQL["waits/to_examine"], {}, CHORE_SECONDS)]


async def examine(
    link: Link, *, after: int = 0, told_after: int = 0, only: Sequence[int] | None = None
) -> Examined:
    """Decide about a thousand jobs at most: those whose watched job has ended, and new ones.

    Args:
        after: looks at new ones above this id only; `told_after`: at the waiters of ended jobs above this id.
        only: narrows them to these ids, of the ended or the new.
    """
    parameters = {"after": after, "told_after": told_after, "only": None if only is None else list(only)}
    (row,) = await link.fetch(SQL["waits/examine"], parameters)
    return Examined(*row)


async def sweep_waits(link: Link, *, after: int, after_id: int, batch: int) -> SweptWaits:
    """Look at the next `batch` waiters: after those that watch this job, up to this id among them."""
    parameters = {"after": after, "after_id": after_id, "batch": batch}
    (row,) = await link.fetch(SQL["waits/sweep_waits"], parameters, CHORE_SECONDS)
    return SweptWaits(*row)
