"""What a worker knows of those who wait: ids for a while, from whoever sends them; nothing that it needs."""

from __future__ import annotations

from typing import Any, cast

import psycopg
import pytest

from rig.clock import MovedClock
from rowcrew.control.road import expected
from rowcrew.control.road.expected import EXPECTED_SECONDS, Expected
from rowcrew.table.link import Link
from rowcrew.table.listening import id_texts

pytestmark = pytest.mark.anyio


class FakeLink:
    """Remembers what was told; breaks where it is told to."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.is_broken = False

    async def fetch(self, _statement: str, parameters: dict[str, Any], _seconds: float) -> list[Any]:
        if self.is_broken:
            raise psycopg.OperationalError("the server is away")
        self.told.extend(parameters["ids"])
        return [(len(parameters["ids"]),)]


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def link() -> FakeLink:
    return FakeLink()


@pytest.fixture
def heard(link: FakeLink, clock: MovedClock) -> Expected:
    return Expected(link=cast(Link, link), clock=clock)


async def test_it_tells_the_ends_that_somebody_waits_for_and_no_others(
    heard: Expected, link: FakeLink
) -> None:
    heard.expect(b"4,5")
    heard.ended([3, 4, 6])
    await heard.once()
    assert link.told == ["4"]


async def test_an_end_is_told_once(heard: Expected, link: FakeLink) -> None:
    heard.expect(b"4")
    for _ in range(2):
        heard.ended([4])
        await heard.once()
    assert "".join(link.told) == "4"


async def test_an_id_is_forgotten_when_nobody_says_it_again(
    heard: Expected, link: FakeLink, clock: MovedClock
) -> None:
    heard.expect(b"4,5")
    clock.move(EXPECTED_SECONDS / 2)
    heard.expect(b"5")
    clock.move(EXPECTED_SECONDS / 2 + 1)
    heard.ended([4, 5])
    await heard.once()
    assert link.told == ["5"]


@pytest.mark.parametrize(
    "payload", [b"", b",", b"x,4", b"-1,4", b"9" * 7_999, b"\xff\xfe,4", "٤,4".encode(), b"1e3,4"]
)
async def test_a_notification_with_nonsense_harms_nothing(
    heard: Expected, link: FakeLink, payload: bytes
) -> None:
    heard.expect(payload)
    heard.ended([4, 1])
    await heard.once()
    assert "".join(link.told) == ("4" if b"4" in payload else "")


async def test_ids_without_end_take_no_memory_without_end(
    heard: Expected, monkeypatch: pytest.MonkeyPatch, clock: MovedClock, link: FakeLink
) -> None:
    monkeypatch.setattr(expected, "MOST_IDS", 10)
    for id in range(30):
        heard.expect(b"%d" % id)
    heard.ended(range(30))
    await heard.once()
    assert link.told == [",".join(map(str, range(10)))]
    heard.expect(b"1,2,3,4,5,6,7,8,9,10")
    clock.move(EXPECTED_SECONDS + 1)
    heard.expect(b"31")
    heard.ended([31])
    await heard.once()
    assert link.told[1:] == ["31"]


async def test_a_database_that_is_away_costs_a_hint_and_no_worker(heard: Expected, link: FakeLink) -> None:
    link.is_broken = True
    heard.expect(b"4")
    heard.ended([4])
    await heard.once()
    link.is_broken = False
    await heard.once()
    assert link.told == []


async def test_ends_that_nobody_waits_for_are_not_even_looked_at(heard: Expected) -> None:
    heard.ended(pytest.fail(f"asked for {id}") for id in range(3))


def test_a_notification_carries_less_than_eight_thousand_bytes() -> None:
    ids = [2**63 - 1 - place for place in range(1_000)]
    texts = id_texts(ids)
    assert all(len(text) < 8_000 for text in texts)
    assert ",".join(texts) == ",".join(map(str, ids))
