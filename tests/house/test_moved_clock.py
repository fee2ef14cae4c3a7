"""The clock that tests move: nothing falls due by itself, and everything in its order."""

from __future__ import annotations

import asyncio

import pytest

from rig.clock import MovedClock


def test_timers_fire_when_the_clock_is_moved_in_the_order_of_their_times() -> None:
    clock, fired = MovedClock(now=100.0), list[tuple[str, float]]()

    def fire(name: str) -> None:
        fired.append((name, clock.now()))

    clock.call_later(3, fire, "third")
    clock.call_later(1, fire, "first")
    clock.call_later(2, lambda: clock.call_later(0.5, fire, "second"))
    clock.call_later(1, fire, "cancelled").cancel()
    clock.call_later(9, fire, "not yet")
    clock.move(5)
    assert fired == [("first", 101.0), ("second", 102.5), ("third", 103.0)]
    assert clock.now() == 105.0


@pytest.mark.anyio
async def test_who_waits_is_woken_by_the_event_or_by_the_clock() -> None:
    clock, event = MovedClock(), asyncio.Event()
    patient, impatient = (asyncio.create_task(clock.wait(event, seconds)) for seconds in (60, 1))
    sleeper = asyncio.create_task(clock.sleep(2))
    await asyncio.sleep(0)
    clock.move(1)
    assert await impatient is False
    assert not patient.done()
    event.set()
    assert await patient is True
    assert not sleeper.done()
    clock.move(1)
    await sleeper
