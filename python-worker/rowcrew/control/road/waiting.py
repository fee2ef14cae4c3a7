"""Reserved jobs that no runner has yet, each in the line of those that may run where it may."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Iterator

from rowcrew.control.run import Run
from rowcrew.model.suspicion import is_suspect, needs_worker_alone


class Waiting:
    """Four lines, each in the order of reservation. `dispatch` takes from them, `ending` removes.

    Attributes:
        shared: for shared runners.
        solo: of types that have a runner of their own.
        suspects: for the few runners in which suspects run.
        lone: suspects that need the whole worker for themselves; `alone` calls them up.
    """

    def __init__(self, *, slots: int) -> None:
        self._slots = slots
        self.shared: deque[Run] = deque()
        self.solo: deque[Run] = deque()
        self.suspects: deque[Run] = deque()
        self.lone: deque[Run] = deque()

    def __bool__(self) -> bool:
        return bool(self.shared or self.solo or self.suspects or self.lone)

    def __iter__(self) -> Iterator[Run]:
        return iter([*self.shared, *self.solo, *self.suspects, *self.lone])

    @property
    def apart(self) -> int:
        """How many wait for another place than a shared runner."""
        return len(self.solo) + len(self.suspects) + len(self.lone)

    def add(self, runs: Iterable[Run], solo_types: Container[str]) -> None:
        for run in runs:
            job = run.job
            if is_suspect(job.crashes):
                self._add_suspect(run, solo_types)
            elif job.type in solo_types:
                self.solo.append(run)
            else:
                self.shared.append(run)

    def no_longer_alone(self, solo_types: Container[str]) -> None:
        """Those that wanted the worker for themselves run beside others."""
        while self.lone:
            run = self.lone.popleft()
            (self.solo if run.job.type in solo_types else self.suspects).append(run)

    def remove(self, run: Run) -> None:
        for line in (self.shared, self.solo, self.suspects, self.lone):
            if run in line:
                line.remove(run)

    def _add_suspect(self, run: Run, solo_types: Container[str]) -> None:
        if needs_worker_alone(self._slots, run.job.crashes):
            self.lone.append(run)
        else:
            (self.solo if run.job.type in solo_types else self.suspects).append(run)
