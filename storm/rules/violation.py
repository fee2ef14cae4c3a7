"""What a rule says of a history that breaks it, and the form that every rule has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from storm.history import History


class Violation(NamedTuple):
    """A broken invariant: its name, the job concerned (if there is one), and what happened."""

    invariant: str
    job: int | None
    message: str


Rule = Callable[[History], Iterator[Violation]]
