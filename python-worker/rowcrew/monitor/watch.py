"""Asks the database on behalf of a screen, and knows how old the values are and why they are not newer.

In: a link and questions. Out: answers, or the problem in a line; nothing raised. Called by the application.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import psycopg

from rowcrew.admin.link import WATCH_SECONDS, Problem, looking, problem
from rowcrew.model.terminal_text import one_line
from rowcrew.monitor.table import Cell
from rowcrew.monitor.words import brief
from rowcrew.table.link import Link

A = TypeVar("A")

_AGED_SECONDS: Final = 10.0
_REST: Final = 4


class Watch:
    """A link that is asked again and again, and outlives whatever happens to it.

    Args:
        link: that only looks.
        address: of its database, to word problems.
        clock: seconds, for ages.

    Attributes:
        problem: of the last question; None when it was answered.
        is_paused: whether somebody wants no further answers.
    """

    def __init__(self, *, link: Link, address: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._link = link
        self._address = address
        self._clock = clock
        self._took_seconds = 0.0
        self.problem: Problem | None = None
        self.is_paused = False

    async def ask(self, question: Callable[[Link], Awaitable[A]]) -> A | None:
        """The answer; None when there is none, for the reason that `problem` has then."""
        began = self._clock()
        try:
            async with looking(self._link):
                answer = await question(self._link)
        except psycopg.Error as error:
            self.problem = problem(error, self._address)
            return None
        self.problem = None
        self._took_seconds = self._clock() - began
        return answer

    def rest_seconds(self, least: float) -> float:
        """How long to leave the database in peace: what was asked takes a fifth of the time at most."""
        return least if self.problem is not None else max(least, _REST * self._took_seconds)

    def moment(self) -> float:
        return self._clock()

    def standing(self, answered_at: float | None, unseen: int) -> Cell:
        """How things are, in a line: live, paused or in trouble; how old the values are; what waits."""
        age = None if answered_at is None else self._clock() - answered_at
        shown = "nothing shown yet" if age is None else f"values of {brief(age)} ago"
        if self.is_paused:
            return Cell(f"‖ {shown}, paused · p goes on", "warn")
        if self.problem is not None:
            return Cell(f"▲ {shown} · {_told(self.problem)}", "bad")
        if age is None:
            return Cell("asking …", "dim")
        held = f" · {unseen} new · Esc shows them" if unseen else ""
        return Cell(f"● live · {brief(age)} ago{held}", "warn" if age > _AGED_SECONDS else "good")


def _told(problem: Problem) -> str:
    match problem.kind:
        case "late":
            return f"the database answers late: nothing within {brief(WATCH_SECONDS)}"
        case "schema":
            return f"run `rowcrew migrate`: {one_line(problem.what)}"
    return one_line(problem.what)
