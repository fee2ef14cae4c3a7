"""The five screens: what each asks of the database, and how it shows the answer.

In: a link while a screen is looked at. Out: widgets. Called by the application, which shows one at a time and
asks for it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Generic, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from rowcrew.admin import looks, workers
from rowcrew.admin.looks import Page, Search
from rowcrew.admin.now import Now, now
from rowcrew.admin.one_job import OneJob, one_job
from rowcrew.admin.search import Unreadable, search
from rowcrew.model.terminal_text import one_line
from rowcrew.monitor.frame import totals
from rowcrew.monitor.job_page import page
from rowcrew.monitor.live_table import STYLES, LiveTable, styled
from rowcrew.monitor.rows import job_table, queue_table, worker_table
from rowcrew.monitor.why_rows import why_table
from rowcrew.monitor.words import Worded, count
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedWorker, ReasonCount

A = TypeVar("A")

_NEWEST: Final = 100
_MOST_WORKERS: Final = 200


class View(Vertical, Generic[A]):
    """One screen.

    Attributes:
        answered_at: when the values on it were asked for, by the watch's clock; None = it has none yet.
    """

    name_of_screen: ClassVar[str]
    number: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(id=self.name_of_screen.lower())
        self.answered_at: float | None = None
        self.told = Static(classes="told")

    @property
    def table(self) -> LiveTable | None:
        """The table the keys move in."""
        return None

    async def ask(self, link: Link) -> A:
        """What the screen shows."""
        raise NotImplementedError

    def take(self, answer: A) -> None:
        """Show it."""
        raise NotImplementedError

    def chosen(self) -> list[int]:
        """The jobs that a key would change: those that are picked, else the one under the cursor."""
        return []


class NowView(View[Now]):
    """A sentence, and a line for each queue, worst first."""

    name_of_screen = "Now"
    number = "1"

    def __init__(self) -> None:
        super().__init__()
        self._queues = LiveTable(id="queues")
        self._crew = LiveTable(id="crew")

    def compose(self) -> ComposeResult:
        yield from (self.told, self._queues, self._crew)

    @property
    def table(self) -> LiveTable:
        return self._queues

    async def ask(self, link: Link) -> Now:
        return await now(link)

    def take(self, answer: Now) -> None:
        self.told.update(
            Text.assemble((one_line(answer.sentence), "bold"), "\n", (totals(answer), STYLES["dim"]))
        )
        self._queues.show(queue_table(answer.queues, self._queues.room))
        self._crew.show(worker_table(answer.workers, self._crew.room))


class JobsView(View[Page]):
    """The newest jobs, narrowed by what somebody typed."""

    name_of_screen = "Jobs"
    number = "2"

    def __init__(self) -> None:
        super().__init__()
        self.box = Input(placeholder="queue:ai type:report status:failed key:acme", id="search")
        self._newest = LiveTable(id="newest", picks=True)
        self._search = Search()
        self._text = ""

    def compose(self) -> ComposeResult:
        yield from (self.told, self.box, self._newest)

    @property
    def table(self) -> LiveTable:
        return self._newest

    async def ask(self, link: Link) -> Page:
        return await looks.page(link, self._search, before=None, limit=_NEWEST)

    def take(self, answer: Page) -> None:
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
        looked = f", looked through {looks.LOOKED_THROUGH:,} ids" if answer.before and self._text else ""
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


class WhyView(View[list[ReasonCount]]):
    """Jobs that do not run, by what holds them, and what frees them."""

    name_of_screen = "Why"
    number = "4"

    def __init__(self, worded: Worded) -> None:
        super().__init__()
        self._worded = worded
        self._reasons = LiveTable(id="reasons")
        self._frees = Static(id="frees")

    def compose(self) -> ComposeResult:
        yield from (self.told, self._reasons, self._frees)

    @property
    def table(self) -> LiveTable:
        return self._reasons

    async def ask(self, link: Link) -> list[ReasonCount]:
        return await looks.reasons(link)

    def take(self, answer: list[ReasonCount]) -> None:
        self._reasons.show(why_table(answer, self._worded))
        told = "What only a person can free stands first." if answer else "No job waits."
        self.told.update(Text(told, STYLES["dim"]))

    def on_data_table_row_highlighted(self) -> None:
        """Say in full what the row under the cursor has no room for."""
        cells = self._reasons.cells
        self._frees.update(Text.assemble(("→ ", STYLES["work"]), cells[-1].text) if cells else "")


class WorkersView(View[Sequence[ListedWorker]]):
    """Workers as they stand, those that left or were lost too."""

    name_of_screen = "Workers"
    number = "6"

    def __init__(self) -> None:
        super().__init__()
        self._heard = LiveTable(id="heard")

    def compose(self) -> ComposeResult:
        yield from (self.told, self._heard)

    @property
    def table(self) -> LiveTable:
        return self._heard

    async def ask(self, link: Link) -> Sequence[ListedWorker]:
        return await workers.list_workers(link, limit=_MOST_WORKERS)

    def take(self, answer: Sequence[ListedWorker]) -> None:
        self._heard.show(worker_table(answer, self._heard.room))
        self.told.update(Text(_counted(answer), STYLES["dim"]))


AnyView = View[Any]


def _counted(answer: Sequence[ListedWorker]) -> str:
    if not answer:
        return "There is no worker; start one with `rowcrew worker`."
    states = [worker.state for worker in answer]
    told = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    return f"{', '.join(told)}; who left is forgotten after a week"
