"""What is looked at once for all: a change is seen by whoever asks after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from rowcrew.table.link import Link
from rowcrew.web.links import Links
from rowcrew.web.pages.seen import Seen
from rowcrew.web.sampler import Sampler


class EmptyLinks(Links):
    """Links that lead nowhere, for looks that ask nothing."""

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Link]:
        yield cast(Link, None)


def test_who_asks_after_a_change_waits_for_a_look_that_began_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    links = EmptyLinks("", purpose="nobody", most=2, only_looks=True)
    sampler = Sampler(links)
    monkeypatch.setattr(sampler.now, "see", see_nothing)
    monkeypatch.setattr(sampler.reasons, "see", see_nothing)
    asyncio.run(ask_twice(Seen(sampler, links)))


async def see_nothing(_: Links) -> None: ...


async def ask_twice(seen: Seen) -> None:
    began, goes_on = asyncio.Event(), asyncio.Event()
    values = iter(["before", "after"])

    async def look(_: Link) -> str:
        value = next(values)
        if value == "before":
            began.set()
            await goes_on.wait()
        return value

    earlier = asyncio.create_task(seen.see("errors", look))
    await began.wait()
    await seen.renew()
    assert (await seen.see("errors", look)).value == "after"
    goes_on.set()
    assert (await earlier).value == "before"
