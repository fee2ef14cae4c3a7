"""What only one page shows is looked at once for those who ask again, and anew for who opens it."""

from __future__ import annotations

import asyncio

import pytest

from rowcrew.table.link import Link
from rowcrew.web.pages.glances import MOST, Glances
from tests.web.pages.test_seen import EmptyLinks

HOUR = 3_600.0


class Table:
    """A look that counts how often it was taken."""

    def __init__(self) -> None:
        self.looks = 0
        self.is_there = True

    async def look(self, _: Link) -> int:
        self.looks += 1
        if not self.is_there:
            raise LookupError("no such job")
        return self.looks


def an_hour(_: int) -> float:
    return HOUR


def glances() -> Glances:
    return Glances(EmptyLinks("", purpose="nobody", most=2, only_looks=True))


async def again(seen: Glances, table: Table, what: object = "page", young: float = HOUR) -> int:
    return await seen.see(what, table.look, anew=False, young_seconds=lambda _: young)


async def opened(seen: Glances, table: Table, what: object = "page") -> int:
    return await seen.see(what, table.look, anew=True, young_seconds=an_hour)


def test_those_who_ask_again_share_a_look_also_one_that_has_not_ended() -> None:
    async def ask() -> list[int]:
        seen, table = glances(), Table()
        at_once = await asyncio.gather(*(again(seen, table) for _ in range(3)))
        return [*at_once, await again(seen, table)]

    assert asyncio.run(ask()) == [1, 1, 1, 1]


def test_who_opens_a_page_looks_anew_and_those_who_ask_again_then_see_no_less() -> None:
    async def ask() -> list[int]:
        seen, table = glances(), Table()
        return [await again(seen, table), await opened(seen, table), await again(seen, table)]

    assert asyncio.run(ask()) == [1, 2, 2]


def test_a_look_that_began_before_a_change_is_not_shown_to_who_asks_after_it() -> None:
    async def ask() -> list[int]:
        seen, goes_on = glances(), asyncio.Event()

        async def look_before(_: Link) -> int:
            await goes_on.wait()
            return 1

        async def look_after(_: Link) -> int:
            return 2

        before = asyncio.create_task(seen.see("page", look_before, anew=False, young_seconds=an_hour))
        await asyncio.sleep(0)
        seen.forget()
        after = await seen.see("page", look_after, anew=False, young_seconds=an_hour)
        goes_on.set()
        await before
        return [after, await seen.see("page", look_before, anew=False, young_seconds=an_hour)]

    assert asyncio.run(ask()) == [2, 2]


def test_what_was_found_is_given_again_only_while_it_is_young(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowcrew.web.sampler._CALM", 0)

    async def ask() -> list[int]:
        seen, table = glances(), Table()
        return [await again(seen, table, young=0.0) for _ in range(2)]

    assert asyncio.run(ask()) == [1, 2]


def test_a_look_that_takes_long_is_shared_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowcrew.web.sampler._CALM", 1e9)

    async def ask() -> list[int]:
        seen, table = glances(), Table()
        return [await again(seen, table, young=0.0) for _ in range(2)]

    assert asyncio.run(ask()) == [1, 1]


def test_a_look_that_takes_long_is_no_reason_to_leave_a_page_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowcrew.web.sampler._CALM", 1e9)
    monkeypatch.setattr("rowcrew.web.pages.glances._OLDEST_SECONDS", 0.0)

    async def ask() -> list[int]:
        seen, table = glances(), Table()
        return [await again(seen, table, young=0.0) for _ in range(2)]

    assert asyncio.run(ask()) == [1, 2]


def test_a_look_that_fails_is_told_to_all_who_wait_for_it_and_remembered_for_nobody() -> None:
    async def ask() -> list[object]:
        seen, table = glances(), Table()
        table.is_there = False
        failed = await asyncio.gather(*(again(seen, table) for _ in range(2)), return_exceptions=True)
        table.is_there = True
        return [*map(type, failed), table.looks, await again(seen, table)]

    assert asyncio.run(ask()) == [LookupError, LookupError, 1, 2]


def test_no_more_looks_are_remembered_than_may_be_and_the_rest_look_alone() -> None:
    async def ask() -> list[int]:
        seen, table = glances(), Table()
        for page in range(MOST):
            await again(seen, table, page)
        beyond = [await again(seen, table, "beyond") for _ in range(2)]
        return [*beyond, await again(seen, table, 0)]

    assert asyncio.run(ask()) == [MOST + 1, MOST + 2, 1]


def test_two_pages_are_two_looks() -> None:
    async def ask() -> list[int]:
        seen, table = glances(), Table()
        return [await again(seen, table, ("job", 1)), await again(seen, table, ("job", 2))]

    assert asyncio.run(ask()) == [1, 2]
