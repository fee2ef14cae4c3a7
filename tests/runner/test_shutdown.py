"""What a crew does when its runner leaves: in reverse order, each within its limit, whatever others do."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from rowcrew import Crew
from rowcrew.model.errors import CrewError
from rowcrew.runner import leaving
from rowcrew.runner.shutdown import shut_down

pytestmark = pytest.mark.anyio


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the process was given to end; here no kernel's clock ends it."""
    seconds: list[float] = []
    monkeypatch.setattr(leaving, "allow", seconds.append)
    return seconds


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """What a hook waits for in vain, until the test is over."""
    event = threading.Event()
    yield event
    event.set()


async def test_hooks_are_called_in_reverse_order_plain_ones_in_a_thread_of_their_own(
    allowed: list[float],
) -> None:
    crew, called = Crew(), []

    @crew.on_shutdown()
    def first() -> None:
        called.append(("first", threading.current_thread().name))

    @crew.on_shutdown(timeout=timedelta(seconds=3))
    async def last() -> None:
        await asyncio.sleep(0)
        called.append(("last", threading.current_thread().name))

    await shut_down(crew.shutdown_hooks)
    assert called == [("last", "MainThread"), ("first", "shutdown hook")]
    assert allowed == [5.0]


async def test_neither_errors_nor_overruns_stop_the_others_and_the_log_tells_of_each(
    allowed: list[float], never: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    crew, called = Crew(), []
    crew.on_shutdown()(lambda: called.append("the first"))

    @crew.on_shutdown()
    def leaves() -> None:
        sys.exit(3)

    @crew.on_shutdown()
    async def raises() -> None:
        raise ValueError("no such pool")

    @crew.on_shutdown(timeout=0.01)
    def hangs() -> None:
        never.wait()

    @crew.on_shutdown(timeout=0.01)
    async def is_deaf() -> None:
        while not never.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue

    with caplog.at_level(logging.ERROR, logger="rowcrew"):
        await shut_down(crew.shutdown_hooks)
    never.set()
    assert called == ["the first"]
    told = [record.getMessage().split(".")[-1] for record in caplog.records]
    assert told == [
        "01 seconds, left behind",
        "01 seconds, left behind",
        "raises failed",
        "leaves failed",
    ]


async def test_a_crew_that_takes_over_another_takes_its_hooks_too(allowed: list[float]) -> None:
    crew, other, called = Crew(), Crew(), []
    crew.on_shutdown()(lambda: called.append("mine"))
    other.on_shutdown(timeout=7)(lambda: called.append("the other's"))
    crew.include(other)
    await shut_down(crew.shutdown_hooks)
    assert called == ["the other's", "mine"]
    assert crew.manifest().shutdown_seconds == 9


def needs(what: Any) -> None: ...


def needs_nothing() -> None: ...


@pytest.mark.parametrize(
    ("hook", "timeout"), [(needs, 1), (needs_nothing, 0), (needs_nothing, 301), (needs_nothing, -1.5)]
)
def test_a_hook_that_cannot_be_called_or_limited_is_refused(hook: Any, timeout: float) -> None:
    with pytest.raises(CrewError):
        Crew().on_shutdown(timeout=timeout)(hook)
