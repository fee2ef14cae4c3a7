"""Walks a state machine whole, breadth first, and answers with the shortest way to a broken promise.

In: where it starts, its steps, its promises. Out: how many states there are, and what broke. Called by the
models of this directory; each of them says what its states mean.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

State = TypeVar("State", bound=Hashable)


@dataclass(frozen=True)
class Broken:
    """A promise that does not hold, and the shortest way there."""

    promise: str
    steps: list[str]

    def __str__(self) -> str:
        return "\n".join([f"broken: {self.promise}", *(f"  {n}. {s}" for n, s in enumerate(self.steps, 1))])


@dataclass(frozen=True)
class Explored:
    """How many states there are within the budget, and the first broken promise."""

    states: int
    broken: Broken | None


def walk(
    start: State,
    steps: Callable[[State], Iterable[tuple[str, State]]],
    broken_promise: Callable[[State, str, State], str | None],
    *,
    told_alike: Callable[[State], State] = lambda state: state,
) -> Explored:
    """Every state that steps lead to. `told_alike` gives one of those from which all goes the same way."""
    came_from: dict[State, tuple[State, str] | None] = {start: None}
    level = [start]
    while level:
        following = []
        for state in level:
            for step, after in steps(state):
                if promise := broken_promise(state, step, after):
                    return Explored(len(came_from), Broken(promise, [*_way(came_from, state), step]))
                alike = told_alike(after)
                if alike not in came_from:
                    came_from[alike] = (state, step)
                    following.append(alike)
        level = following
    return Explored(len(came_from), None)


def _way(came_from: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    way: list[str] = []
    while origin := came_from[state]:
        state, step = origin
        way.append(step)
    return way[::-1]
