"""What lies over a screen for one key: where to go, whether to change jobs, what the keys are.

In: what to ask the person. Out: the answer, when the key is pressed. Called by the application.
"""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS: Final = """\
1 2 3 4 6    Now, Jobs, Job, Why, Workers; also g then n, j, w
j k ↓ ↑      down, up; the rows stay where they are then
Enter        open: a queue's jobs, a job, the first job of a reason
x            pick a job; r and c are for all picked ones
Esc          let go: nothing picked, newest first, what is new shown
/            search: queue:ai type:report failed since:2h key:acme "text"; or 42 for job 42
r            requeue        c  cancel        both ask first
p            pause: nothing is asked of the database until p again
y            copy what names the row: id, queue or name
q            quit"""


class Go(ModalScreen[str]):
    """Waits for the letter of a screen."""

    def __init__(self, letters: dict[str, str]) -> None:
        super().__init__()
        self._letters = letters

    def compose(self) -> ComposeResult:
        told = "   ".join(f"{letter} {name}" for letter, name in self._letters.items())
        yield Static(Text(f"go to:  {told}"), classes="aside")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(self._letters.get(event.key, ""))


class Confirm(ModalScreen[bool]):
    """Waits for a yes; every other key is a no."""

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        yield Static(Text(f"{self._question}   Enter: yes   any other key: no"), classes="aside warned")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(event.key in ("enter", "y"))


class Help(ModalScreen[None]):
    """The keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q,enter", "dismiss", show=False)]

    def compose(self) -> ComposeResult:
        yield Static(Text(KEYS), classes="aside tall")
