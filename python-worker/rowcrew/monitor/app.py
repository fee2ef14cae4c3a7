"""The terminal monitor: what the keys do to its screens, and to jobs.

In: keys. Out: another screen, a search, a change of jobs that the person has confirmed. Started by
`rowcrew monitor`.
"""

from __future__ import annotations

from typing import ClassVar, Final

import psycopg
from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Input

from rowcrew.admin.jobs import Answer, Change, change_jobs
from rowcrew.admin.link import operators_link, problem
from rowcrew.model.errors import RowcrewError
from rowcrew.monitor.asides import Confirm, Go, Help
from rowcrew.monitor.screens import Screens
from rowcrew.monitor.words import count

_LETTERS: Final = {"n": "Now", "j": "Jobs", "w": "Workers"}
_NAMED: Final = 5


class Monitor(Screens):
    """The screens, under somebody's hands."""

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
        Binding("ctrl+c", "quit", show=False, priority=True),
    ]

    def action_open(self, name: str) -> None:
        self.bring(name)

    def action_go(self) -> None:
        self.push_screen(Go(_LETTERS), lambda name: self.bring(name) if name else None)

    def action_help(self) -> None:
        self.push_screen(Help())

    def action_search(self) -> None:
        self.bring("Jobs")
        self.jobs.box.add_class("open")
        self.jobs.box.focus()

    def action_pause(self) -> None:
        self.watching.is_paused = not self.watching.is_paused
        self.stir()
        self._tell()

    def action_copy(self) -> None:
        view = self.front
        named = ", ".join(map(str, view.chosen())) or (view.table.key if view.table else "")
        if named:
            self.copy_to_clipboard(named)
            self.say(f"copied {named}")

    def action_change(self, change: Change) -> None:
        ids = self.front.chosen()
        if not ids:
            return
        named = ", ".join(map(str, ids[:_NAMED])) + (" …" if len(ids) > _NAMED else "")
        self._confirm(change, ids, f"{change.capitalize()} {count(len(ids), 'job')}: {named}?")

    @work(group="change")
    async def _confirm(self, change: Change, ids: list[int], question: str) -> None:
        if await self.push_screen_wait(Confirm(question)):
            await self._change(change, ids)

    async def _change(self, change: Change, ids: list[int]) -> None:
        """On a connection of its own, because that of the monitor changes nothing."""
        link = operators_link(self.address)
        try:
            answers = await change_jobs(link, change, ids)
        except psycopg.Error as error:
            self.say(problem(error, self.address).what, "bad")
        except RowcrewError as error:
            self.say(str(error), "bad")
        else:
            self.say(_changed(change, answers))
            self.jobs.table.action_let_go()
            self.stir()
        finally:
            await link.close()

    @on(Input.Submitted, "#search")
    def _searched(self, submitted: Input.Submitted) -> None:
        text = submitted.value.strip()
        if text.isdecimal():
            self.jobs.box.value = ""
            self._close_search()
            self._open_job(int(text))
            return
        complaint = self.jobs.narrow(text)
        if complaint:
            self.say(complaint, "warn")
            return
        self._close_search()
        self.stir()

    @on(DataTable.RowSelected)
    def _opened(self, selected: DataTable.RowSelected) -> None:
        key = str(selected.row_key.value)
        match selected.data_table.id:
            case "queues":
                self.jobs.narrow(f"queue:{key}")
                self.bring("Jobs")
            case "newest" | "reasons":
                self._open_job(int(key))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and isinstance(self.focused, Input):
            self._close_search()

    def _close_search(self) -> None:
        self.jobs.box.remove_class("open")
        self.focus_front()

    def _open_job(self, id: int) -> None:
        self.job.choose(id)
        self.bring("Job")


def _changed(change: Change, answers: list[Answer]) -> str:
    done = sum(answer.changed for answer in answers)
    left = len(answers) - done
    word = {"requeue": "requeued", "cancel": "cancelled", "delete": "deleted"}[change]
    told = f"{word} {count(done, 'job')}"
    return told if not left else f"{told}; left {count(left, 'job')} as before"
