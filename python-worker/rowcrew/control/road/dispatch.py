"""Hands reserved jobs to runners.

In: jobs from `reserve`; told by `reports` when a runner may take more. Out: assignments. What runners make of
them comes back through `reports`.
"""

from __future__ import annotations

from collections.abc import Sequence

from rowcrew.control.children.runner_process import RunnerProcess
from rowcrew.control.children.runners import Runners
from rowcrew.control.ledger import Ledger
from rowcrew.control.road.ending import Ending
from rowcrew.control.road.waiting import Waiting
from rowcrew.control.run import Run
from rowcrew.log import Log
from rowcrew.model.appetite import RunTimes
from rowcrew.model.catalogue import Catalogue
from rowcrew.model.job import Job
from rowcrew.model.outcome import Released


class Dispatcher:
    """The organ that hands waiting runs to runners.

    Args:
        slots: runs at once, over all runners.
    """

    def __init__(
        self,
        *,
        slots: int,
        ledger: Ledger,
        waiting: Waiting,
        runners: Runners,
        ending: Ending,
        catalogue: Catalogue,
        run_times: RunTimes,
        log: Log,
    ) -> None:
        self._slots = slots
        self._ledger = ledger
        self._waiting = waiting
        self._runners = runners
        self._ending = ending
        self._catalogue = catalogue
        self._run_times = run_times
        self._log = log
        self._withdrawn = False

    @property
    def takes_ahead(self) -> bool:
        """Whether to reserve ahead: not while jobs wait, nor while a solo or a leaving runner is at work.

        The other runners have all slots, and begin what they hold as soon as one of theirs is free: they
        do not know that a run elsewhere has taken one.
        """
        return not self._waiting and not any(
            (runner.solo or runner.retiring) and runner.runs for runner in self._runners
        )

    @property
    def takes_jobs(self) -> bool:
        """Whether a shared runner is there that answers; solo ones are started when needed."""
        return bool(self._runners.shared())

    def is_short(self, type: str) -> bool:
        return self._run_times.is_short(type) and type not in self._catalogue.solo

    def take(self, jobs: Sequence[Job]) -> None:
        """Dispatch newly reserved jobs; after `withdraw` give them back."""
        self._log.jobs("job.reserved", jobs)
        long_types = {type for type in {job.type for job in jobs} if not self.is_short(type)}
        self._waiting.add(self._ledger.add(jobs, long_types), self._catalogue.solo)
        if self._withdrawn:
            self.withdraw()
        self.assign_waiting()

    def assign_waiting(self) -> None:
        """Give waiting runs to runners that have become free."""
        self._ledger.changed.set()
        if self._waiting.shared:
            self._assign_shared(self._runners.shared())
        if self._waiting.solo:
            self._assign_solo()

    def withdraw(self) -> None:
        """Take back everything that has not begun, and what a reserve under way still brings."""
        self._withdrawn = True
        for run in self._waiting:
            self._ending.end(run, Released("not started"))
        for runner in self._runners:
            if runner.runs:
                runner.withdraw()

    def _assign_shared(self, runners: list[RunnerProcess]) -> None:
        """To the runner with the fewest runs; long runs only to free slots, short ones may wait there."""
        waiting = self._waiting.shared
        if len(runners) == 1 and not any(run.is_long for run in waiting):
            runners[0].assign(list(waiting))
            waiting.clear()
            return
        shares: dict[RunnerProcess, list[Run]] = {runner: [] for runner in runners}
        while waiting and shares:
            runner = min(shares, key=lambda runner: len(runner.runs) + len(shares[runner]))
            if waiting[0].is_long and len(runner.runs) + len(shares[runner]) >= runner.slots:
                break
            shares[runner].append(waiting.popleft())
        for runner, share in shares.items():
            if share:
                runner.assign(share)

    def _assign_solo(self) -> None:
        waiting, runners = self._waiting.solo, self._runners
        free = self._slots - (self._ledger.in_flight - len(waiting))
        while waiting and free > 0 and (runner := runners.idle_solo()):
            runner.assign([waiting.popleft()])
            free -= 1
        for _ in range(min(len(waiting), free) - runners.solos_on_the_way()):
            runners.add(solo=True)
