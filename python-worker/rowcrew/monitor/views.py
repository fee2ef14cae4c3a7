"""The screens Now, Why and Workers: how everything stands, in tables.

In: a link while a screen is looked at. Out: widgets. Called by the application.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from rowcrew.admin import looks, workers
from rowcrew.admin.now import Now, now
from rowcrew.model.terminal_text import one_line
from rowcrew.monitor.frame import totals
from rowcrew.monitor.live_table import STYLES, LiveTable
from rowcrew.monitor.rows import queue_table, worker_table
from rowcrew.monitor.view import View
from rowcrew.monitor.why_rows import why_table
from rowcrew.monitor.words import Worded
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedWorker, ReasonCount

_MOST_WORKERS: Final = 200


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
        self._explain()

    def on_data_table_row_highlighted(self) -> None:
        self._explain()

    def _explain(self) -> None:
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


def _counted(answer: Sequence[ListedWorker]) -> str:
    if not answer:
        return "There is no worker; start one with `rowcrew worker`."
    states = [worker.state for worker in answer]
    told = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    return f"{', '.join(told)}; who left is forgotten after a week"
