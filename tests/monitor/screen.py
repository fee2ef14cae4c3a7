"""The monitor as a person sees it: its screen as text, its keys pressed one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from rowcrew.cli.wording import worded
from rowcrew.monitor.app import Monitor


class Seen:
    """A monitor under the hands of a test."""

    def __init__(self, app: Monitor, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, seen: Callable[[str], bool]) -> str:
        """The screen as soon as it is so."""
        for _ in range(400):
            if seen(self.text):
                return self.text
            await self.pilot.pause(0.02)
        raise AssertionError(f"never seen; the screen is:\n{self.text}")

    async def until_it_says(self, *words: str) -> str:
        return await self.until(lambda text: all(word in text for word in words))


@asynccontextmanager
async def monitor(
    address: str, size: tuple[int, int] = (80, 24), *, every_seconds: float = 0.1
) -> AsyncIterator[Seen]:
    app = Monitor(address=address, worded=worded, every_seconds=every_seconds)
    async with app.run_test(size=size) as pilot:
        yield Seen(app, pilot)
