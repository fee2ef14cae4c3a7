"""The screens Jobs and Job: a list that a search narrows, and everything about one job.

In: a link while a screen is looked at. Out: widgets, and which jobs a key would change. Called by the
application.
"""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Input

from rowcrew.admin import looks
from rowcrew.admin.looks import Page
from rowcrew.admin.one_job import OneJob, one_job
from rowcrew.admin.search import Unreadable, search
from rowcrew.model.terminal_text import one_line
from rowcrew.monitor.job_page import page
from rowcrew.monitor.live_table import STYLES, LiveTable, styled
from rowcrew.monitor.rows import job_table
from rowcrew.monitor.view import View
from rowcrew.monitor.words import Worded, count
from rowcrew.table.link import Link
from rowcrew.table.looks import Search

_NEWEST: Final = 100


class JobsView(View[Page]):
    """The newest jobs, narrowed by what somebody typed."""

    name_of_screen = "Jobs"
    number = "2"

    def __init__(self) -> None:
        super().__init__()
        self.box = Input(placeholder='queue:ai type:report failed since:2h key:acme "text"', id="search")
        self._newest = LiveTable(id="newest", picks=True)
        self._search = self._asked = Search()
        self._text = ""

    def compose(self) -> ComposeResult:
        yield from (self.told, self.box, self._newest)

    @property
    def table(self) -> LiveTable:
        return self._newest

    async def ask(self, link: Link) -> Page:
        self._asked = self._search
        return await looks.page(link, self._asked, before=None, limit=_NEWEST)

    def take(self, answer: Page) -> None:
        if self._asked is not self._search:
            return  # somebody searched for something else while it was under way
        self._newest.show(job_table(answer.jobs, self._newest.room))
        self.told.update(Text(self._searched(answer), STYLES["dim"]))

    def narrow(self, text: str) -> str | None:
        """Search for this; the complaint, if it is not understood."""
        try:
            self._search = search(text)
        except Unreadable as unreadable:
            return str(unreadable)
        self.box.value = self._text = text
        self._newest.action_let_go()
        return None

    def chosen(self) -> list[int]:
        under = [] if self._newest.key is None else [self._newest.key]
        return [int(key) for key in self._newest.picked or under]

    def _searched(self, answer: Page) -> str:
        number = len(answer.jobs)
        found = f"the newest {number} of more" if number == _NEWEST else count(number, "job")
        looked = f", looked through {answer.looked_through:,} ids" if answer.before and self._text else ""
        looked += ", then the time was up" if answer.is_cut else ""
        return f"{one_line(self._text) or 'all jobs'} · {found}{looked} · / searches"


class JobView(View[OneJob | None]):
    """One job with its time line, its attempts and what it said."""

    name_of_screen = "Job"
    number = "3"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, worded: Worded) -> None:
        super().__init__()
        self._worded = worded
        self._job: int | None = None
        self._answer: OneJob | None = None
        self.page = VerticalScroll(self.told, id="page")
        self.told.update("No job is chosen: Enter in Jobs opens one, or / and its number.")

    def compose(self) -> ComposeResult:
        yield self.page

    def choose(self, id: int) -> None:
        if id != self._job:
            self._job, self.answered_at, self._answer = id, None, None
            self.told.update(f"job {id} …")
            self.page.scroll_home(animate=False)

    async def ask(self, link: Link) -> OneJob | None:
        return None if self._job is None else await one_job(link, self._job)

    def take(self, answer: OneJob | None) -> None:
        if answer is not None and answer.shown.job.id != self._job:
            return  # somebody chose another while it was under way
        self._answer = answer
        if answer is not None:
            self._draw(answer)
        elif self._job is not None:
            self.told.update(f"There is no job {self._job}; ended jobs are deleted some day.")

    def chosen(self) -> list[int]:
        return [] if self._job is None else [self._job]

    def action_scroll(self, lines: int) -> None:
        self.page.scroll_relative(y=lines, animate=False)

    def on_resize(self) -> None:
        if self._answer is not None:
            self._draw(self._answer)

    def _draw(self, answer: OneJob) -> None:
        lines = page(answer, max(40, self.size.width - 3), self._worded)
        self.told.update(Text("\n").join(Text.assemble(*map(styled, line)) for line in lines))
