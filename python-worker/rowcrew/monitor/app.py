"""The application on the terminal: screens, keys, and one loop that asks for the screen that is looked at.

In: the address of a database, and the command line's words for remedies. Out: a terminal full of what
happens, until `q`. Started by `rowcrew monitor`.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

import psycopg
from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import ContentSwitcher, DataTable, Input, Static

from rowcrew.admin.jobs import Answer, Change, change_jobs
from rowcrew.admin.link import WatchingLink, operators_link, problem
from rowcrew.model.errors import RowcrewError
from rowcrew.model.terminal_text import one_line
from rowcrew.monitor.asides import Confirm, Go, Help
from rowcrew.monitor.live_table import styled
from rowcrew.monitor.table import Cell, Tone
from rowcrew.monitor.views import AnyView, JobsView, JobView, NowView, WhyView, WorkersView
from rowcrew.monitor.watch import Watch
from rowcrew.monitor.words import Worded, count
from rowcrew.table.address import without_password

# With what a screen asks, three statements a second at most.
EVERY_SECONDS: Final = 3.0

_SAID_SECONDS: Final = 5.0
_LETTERS: Final = {"n": "Now", "j": "Jobs", "w": "Workers"}
_HINT: Final = "? keys   / search   Enter open   r requeue   c cancel   p pause   q quit"


class Monitor(App[None]):
    """Five screens of one database; only the one in front asks.

    Args:
        address: of the database.
        worded: remedies in words.
        every_seconds: how long after an answer the next is asked for.
    """

    CSS_PATH = "monitor.tcss"
    ENABLE_COMMAND_PALETTE = False
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-high")]  # noqa: RUF012 - Textual declares no ClassVar
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(number, f"open('{name}')", show=False)
            for number, name in (("1", "Now"), ("2", "Jobs"), ("3", "Job"), ("4", "Why"), ("6", "Workers"))
        ),
        Binding("g", "go", show=False),
        Binding("slash", "search", show=False),
        Binding("r", "change('requeue')", show=False),
        Binding("c", "change('cancel')", show=False),
        Binding("p", "pause", show=False),
        Binding("y", "copy", show=False),
        Binding("question_mark", "help", show=False),
        Binding("q", "quit", show=False),
    ]

    def __init__(self, *, address: str, worded: Worded, every_seconds: float = EVERY_SECONDS) -> None:
        super().__init__()
        self._address = address
        self._every_seconds = every_seconds
        self._link = WatchingLink(address)
        self.watching = Watch(link=self._link, address=address)
        self._stir = asyncio.Event()
        self._said = Cell(""), 0.0
        self._jobs, self._job = JobsView(), JobView(worded)
        screens: list[AnyView] = [NowView(), self._jobs, self._job, WhyView(worded), WorkersView()]
        self._views = {view.name_of_screen: view for view in screens}
        self._front_view = screens[0]
        self._switcher = ContentSwitcher(*screens, initial=screens[0].id)
        self._tabs, self._standing = Static(id="tabs"), Static(id="standing")

    def compose(self) -> ComposeResult:
        place = Text(one_line(without_password(self._address).partition("?")[0]), no_wrap=True)
        yield Horizontal(self._tabs, Static(place, id="place"), id="top")
        yield from (self._switcher, self._standing)
        yield Static(Text(_HINT, no_wrap=True), id="hint")

    def on_mount(self) -> None:
        self._front("Now")
        self.set_interval(1.0, self._tell)
        self._keep_asking()

    # What comes from the database.

    @work(exclusive=True, group="watch")
    async def _keep_asking(self) -> None:
        try:
            while True:
                self._stir.clear()
                if not self.watching.is_paused:
                    await self._look()
                await self._until_next()
        finally:
            await self._link.close()

    async def _look(self) -> None:
        view = self._front_view
        answer = await self.watching.ask(view.ask)
        if view is self._front_view and not self.watching.is_paused and self.watching.problem is None:
            view.answered_at = self.watching.moment()
            view.take(answer)
        self._tell()

    async def _until_next(self) -> None:
        try:
            async with asyncio.timeout(self._every_seconds):
                await self._stir.wait()
        except TimeoutError:
            return

    def _tell(self) -> None:
        view = self._front_view
        unseen = 0 if view.table is None else view.table.unseen
        said, until = self._said
        cell = said if self.watching.moment() < until else self.watching.standing(view.answered_at, unseen)
        self._standing.update(styled(cell))

    def _say(self, text: str, tone: Tone = "work") -> None:
        """Tell the person for a few seconds, in the line that else says how things are."""
        self._said = Cell(one_line(text), tone), self.watching.moment() + _SAID_SECONDS
        self._tell()

    # What the keys do.

    def action_open(self, name: str) -> None:
        self._front(name)

    def action_go(self) -> None:
        self.push_screen(Go(_LETTERS), lambda name: self._front(name) if name else None)

    def action_help(self) -> None:
        self.push_screen(Help())

    def action_search(self) -> None:
        self._front("Jobs")
        self._jobs.box.add_class("open")
        self._jobs.box.focus()

    def action_pause(self) -> None:
        self.watching.is_paused = not self.watching.is_paused
        self._stir.set()
        self._tell()

    def action_copy(self) -> None:
        view = self._front_view
        named = ", ".join(map(str, view.chosen())) or (view.table.key if view.table else "")
        if named:
            self.copy_to_clipboard(named)
            self._say(f"copied {named}")

    def action_change(self, change: Change) -> None:
        ids = self._front_view.chosen()
        if not ids:
            return
        what = f"job {ids[0]}" if len(ids) == 1 else f"{count(len(ids), 'job')}, {ids[0]} to {ids[-1]}"
        self._confirm(change, ids, f"{change.capitalize()} {what}?")

    @work(group="change")
    async def _confirm(self, change: Change, ids: list[int], question: str) -> None:
        if await self.push_screen_wait(Confirm(question)):
            await self._change(change, ids)

    async def _change(self, change: Change, ids: list[int]) -> None:
        """On a connection of its own, because that of the monitor changes nothing."""
        link = operators_link(self._address)
        try:
            answers = await change_jobs(link, change, ids)
        except psycopg.Error as error:
            self._say(problem(error, self._address).what, "bad")
        except RowcrewError as error:
            self._say(str(error), "bad")
        else:
            self._say(_changed(change, answers))
            if self._front_view.table:
                self._front_view.table.action_let_go()
            self._stir.set()
        finally:
            await link.close()

    @on(Input.Submitted, "#search")
    def _searched(self, submitted: Input.Submitted) -> None:
        text = submitted.value.strip()
        if text.isdecimal():
            self._jobs.box.value = ""
            self._close_search()
            self._open_job(int(text))
            return
        complaint = self._jobs.narrow(text)
        if complaint:
            self._say(complaint, "warn")
            return
        self._close_search()
        self._stir.set()

    @on(DataTable.RowSelected)
    def _opened(self, selected: DataTable.RowSelected) -> None:
        key = str(selected.row_key.value)
        match selected.data_table.id:
            case "queues":
                self._jobs.narrow(f"queue:{key}")
                self._front("Jobs")
            case "newest" | "reasons":
                self._open_job(int(key))

    def on_key(self, event: Any) -> None:
        if event.key == "escape" and isinstance(self.focused, Input):
            self._close_search()

    def _close_search(self) -> None:
        self._jobs.box.remove_class("open")
        self._focus()

    def _open_job(self, id: int) -> None:
        self._job.choose(id)
        self._front("Job")

    def _front(self, name: str) -> None:
        """Bring a screen to the front, and ask for it at once."""
        view = self._front_view = self._views[name]
        self._switcher.current = view.id
        names = [
            (f" {one.number} {one.name_of_screen} ", "reverse bold" if one is view else "")
            for one in self._views.values()
        ]
        self._tabs.update(Text.assemble(*names, no_wrap=True))
        self._focus()
        self._stir.set()
        self._tell()

    def _focus(self) -> None:
        (self._front_view.table or self._job.page).focus()


def _changed(change: Change, answers: list[Answer]) -> str:
    done = sum(answer.changed for answer in answers)
    left = len(answers) - done
    word = {"requeue": "requeued", "cancel": "cancelled", "delete": "deleted"}[change]
    told = f"{word} {count(done, 'job')}"
    return told if not left else f"{told}; left {count(left, 'job')} as before"
