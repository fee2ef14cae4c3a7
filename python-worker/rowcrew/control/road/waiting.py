"""Reserved jobs that no runner has yet: those for shared runners, and those that need one of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Iterator

from rowcrew.control.run import Run


class Waiting:
    """Two lines, each in the order of reservation. `dispatch` takes from them, `ending` removes."""

    def __init__(self) -> None:
        self.shared: deque[Run] = deque()
        self.solo: deque[Run] = deque()

    def __bool__(self) -> bool:
        return bool(self.shared or self.solo)

    def __iter__(self) -> Iterator[Run]:
        return iter([*self.shared, *self.solo])

    def add(self, runs: Iterable[Run], solo_types: Container[str]) -> None:
        for run in runs:
            alone = run.job.runs_alone or run.job.type in solo_types
            (self.solo if alone else self.shared).append(run)

    def remove(self, run: Run) -> None:
        for line in (self.shared, self.solo):
            if run in line:
                line.remove(run)
