"""One screen of the monitor: what it asks of the database, and how it shows the answer.

In: a link while the screen is looked at. Out: widgets. The screens are in `views` and `job_views`; the
application shows one at a time and asks for it alone.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from textual.containers import Vertical
from textual.widgets import Static

from rowcrew.monitor.live_table import LiveTable
from rowcrew.table.link import Link

A = TypeVar("A")


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


AnyView = View[Any]
