"""What only one page shows, a list or a job, is looked at once for all who watch that page.

In: links. Out: what a look has found, which those who only ask again share for a moment; who opens a page
looks anew. Called by the pages whose looks are not among the parts of `Seen`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Any, Final, TypeVar

from rowcrew.table.link import Link
from rowcrew.web.links import Links
from rowcrew.web.sampler import calm_seconds

MOST: Final = 32
"""Looks that are shared at once; who watches a further page looks alone."""
_OLDEST_SECONDS: Final = 4.0
"""So long at most is shared what a look that takes long has found: whoever watches a job waits for it."""

T = TypeVar("T")


class _Look:
    """A look under way, or what it has found, and until when that is young."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.young_until = float("inf")


class Glances:
    """The looks of the last few seconds, by what they were at.

    Args:
        links: on which it looks.
    """

    def __init__(self, links: Links) -> None:
        self._links = links
        self._looks: dict[Hashable, _Look] = {}

    async def see(
        self,
        what: Hashable,
        look: Callable[[Link], Awaitable[T]],
        *,
        anew: bool,
        young_seconds: Callable[[T], float],
    ) -> T:
        """What the look finds, or has found for somebody else. Raises what the look raises.

        Args:
            what: the same for looks that find the same, whoever asks.
            anew: whether a look that began earlier will not do.
            young_seconds: how old such a thing may be that was found for somebody else; older where looks
                take long.
        """
        self._drop_old()
        shared = None if anew else self._looks.get(what)
        if shared is None:
            shared = _Look(asyncio.create_task(self._look(look)))
            shared.task.add_done_callback(lambda task: _grow_old(shared, task, young_seconds))
            if what in self._looks or len(self._looks) < MOST:
                self._looks[what] = shared
        found: T
        found, _ = await asyncio.shield(shared.task)
        return found

    def forget(self) -> None:
        """Somebody has changed something: whoever asks from now on looks anew."""
        self._looks.clear()

    async def stop(self) -> None:
        for shared in list(self._looks.values()):
            shared.task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await shared.task

    async def _look(self, look: Callable[[Link], Awaitable[T]]) -> tuple[T, float]:
        """What it has found, and how long it took."""
        async with self._links.lent() as link:
            began = time.monotonic()
            return await look(link), time.monotonic() - began

    def _drop_old(self) -> None:
        now = time.monotonic()
        self._looks = {what: shared for what, shared in self._looks.items() if shared.young_until > now}


def _grow_old(
    shared: _Look, task: asyncio.Task[tuple[T, float]], young_seconds: Callable[[T], float]
) -> None:
    if task.cancelled() or task.exception() is not None:
        shared.young_until = float("-inf")
        return
    found, took = task.result()
    shared.young_until = (
        time.monotonic() - took + max(young_seconds(found), min(calm_seconds(took), _OLDEST_SECONDS))
    )
