"""The screens on the terminal, one of them in front, and one loop that asks for that one.

In: the address of a database, and the command line's words for remedies. Out: what happens, with its age. The
keys are in `app`.
"""

from __future__ import annotations

import asyncio
from typing import Final

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widgets import ContentSwitcher, Static

from rowcrew.admin.link import WatchingLink
from rowcrew.model.terminal_text import one_line
from rowcrew.monitor.job_views import JobsView, JobView
from rowcrew.monitor.live_table import styled
from rowcrew.monitor.table import Cell, Tone
from rowcrew.monitor.view import AnyView
from rowcrew.monitor.views import NowView, WhyView, WorkersView
from rowcrew.monitor.watch import Watch
from rowcrew.monitor.words import Worded
from rowcrew.table.address import without_password

# With what a screen asks, three statements a second at most.
EVERY_SECONDS: Final = 3.0

_SAID_SECONDS: Final = 5.0
_HINT: Final = "? keys   / search   Enter open   r requeue   c cancel   p pause   q quit"


class Screens(App[None]):
    """Five screens of one database; only the one in front asks.

    Args:
        address: of the database.
        worded: remedies in words.
        every_seconds: how long after an answer the next is asked for, at least.

    Attributes:
        front: the screen in front.
    """

    CSS_PATH = "monitor.tcss"
    ENABLE_COMMAND_PALETTE = False
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-high")]  # noqa: RUF012 - Textual declares no ClassVar

    def __init__(self, *, address: str, worded: Worded, every_seconds: float = EVERY_SECONDS) -> None:
        super().__init__()
        self.address = address
        self._every_seconds = every_seconds
        self._link = WatchingLink(address)
        self.watching = Watch(link=self._link, address=address)
        self._stirred = asyncio.Event()
        self._said = Cell(""), 0.0
        self.jobs, self.job = JobsView(), JobView(worded)
        screens: list[AnyView] = [NowView(), self.jobs, self.job, WhyView(worded), WorkersView()]
        self._views = {view.name_of_screen: view for view in screens}
        self.front = screens[0]
        self._switcher = ContentSwitcher(*screens, initial=screens[0].id)
        self._tabs, self._standing = Static(id="tabs"), Static(id="standing")

    def compose(self) -> ComposeResult:
        place = Text(one_line(without_password(self.address).partition("?")[0]), no_wrap=True)
        yield Horizontal(self._tabs, Static(place, id="place"), id="top")
        yield from (self._switcher, self._standing)
        yield Static(Text(_HINT, no_wrap=True), id="hint")

    def on_mount(self) -> None:
        self.bring("Now")
        self.set_interval(1.0, self._tell)
        self._keep_asking()

    # What comes from the database.

    @work(exclusive=True, group="watch")
    async def _keep_asking(self) -> None:
        try:
            while True:
                self._stirred.clear()
                if not self.watching.is_paused:
                    await self._look()
                await self._until_next()
        finally:
            await self._link.close()

    async def _look(self) -> None:
        view = self.front
        answer = await self.watching.ask(view.ask)
        if view is self.front and not self.watching.is_paused and self.watching.problem is None:
            view.answered_at = self.watching.moment()
            view.take(answer)
        self._tell()

    async def _until_next(self) -> None:
        try:
            async with asyncio.timeout(self.watching.rest_seconds(self._every_seconds)):
                await self._stirred.wait()
        except TimeoutError:
            return

    def _tell(self) -> None:
        view = self.front
        unseen = 0 if view.table is None else view.table.unseen
        said, until = self._said
        cell = said if self.watching.moment() < until else self.watching.standing(view.answered_at, unseen)
        self._standing.update(styled(cell))

    def stir(self) -> None:
        """Ask at once."""
        self._stirred.set()

    def say(self, text: str, tone: Tone = "work") -> None:
        """Tell the person for a few seconds, in the line that else says how things are."""
        self._said = Cell(one_line(text), tone), self.watching.moment() + _SAID_SECONDS
        self._tell()

    def bring(self, name: str) -> None:
        """Bring a screen to the front, and ask for it at once."""
        view = self.front = self._views[name]
        self._switcher.current = view.id
        names = [
            (f" {one.number} {one.name_of_screen} ", "reverse bold" if one is view else "")
            for one in self._views.values()
        ]
        self._tabs.update(Text.assemble(*names, no_wrap=True))
        self.focus_front()
        self.stir()
        self._tell()

    def focus_front(self) -> None:
        (self.front.table or self.job.page).focus()
