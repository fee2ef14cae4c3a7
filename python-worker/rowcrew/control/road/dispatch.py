"""Hands reserved jobs to runners.

In: jobs from `reserve`; told by `reports` when a runner may take more. Out: assignments. What runners make of
them comes back through `reports`.

Suspects, jobs that may have killed their runner, share at most `MOST_GROUPS` runners of their own, as many
together as `model.suspicion` says. `alone` may hold everything back for one of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from rowcrew.control.children.runner import Runner
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
from rowcrew.model.suspicion import MOST_GROUPS, group_size, is_suspect


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
        self._held = False
        self._guest: Run | None = None

    @property
    def takes_ahead(self) -> bool:
        """Whether to reserve ahead: only when no job waits and shared runners alone are at work.

        The other runners have all slots, and begin what they hold as soon as one of theirs is free: they
        do not know that a run elsewhere has taken one.
        """
        return not self._waiting and not any(
            (runner.kind != "shared" or runner.retiring) and runner.runs for runner in self._runners
        )

    @property
    def takes_jobs(self) -> bool:
        """Whether a shared runner is there that answers, and nothing holds it back."""
        return not self._held and bool(self._runners.shared())

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
        if self._held:
            self._assign_guest()
            return
        if self._waiting.shared:
            self._assign_shared(self._runners.shared())
        if self._waiting.solo:
            self._assign_solo()
        if self._waiting.suspects:
            self._assign_suspects()

    @property
    def is_quiet(self) -> bool:
        """Whether no runner has a job of this worker."""
        return self._ledger.in_flight == self._waiting.apart + len(self._waiting.shared)

    def hold(self) -> None:
        """Begin and reserve nothing more."""
        self._held = True

    def invite(self, run: Run) -> None:
        """Let this one of the lone suspects begin, and nothing beside it."""
        self._guest = run
        self.assign_waiting()

    def resume(self) -> None:
        """Go on with everything that waits."""
        self._held, self._guest = False, None
        self.assign_waiting()

    def withdraw(self) -> None:
        """Take back everything that has not begun, and what a reserve under way still brings."""
        self._withdrawn = True
        for run in self._waiting:
            self._ending.end(run, Released("not started"))
        for runner in self._runners:
            if runner.runs:
                runner.withdraw()

    def _assign_shared(self, runners: list[Runner]) -> None:
        """To the runner with the fewest runs; long runs only to free slots, short ones may wait there."""
        waiting = self._waiting.shared
        if len(runners) == 1 and not any(run.is_long for run in waiting):
            runners[0].assign(list(waiting))
            waiting.clear()
            return
        shares: dict[Runner, list[Run]] = {runner: [] for runner in runners}
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
        free = self._free_apart()
        while waiting and free > 0:
            runner = runners.idle_solo(unused=is_suspect(waiting[0].job.crashes))
            if runner is None:
                break
            runner.assign([waiting.popleft()])
            free -= 1
        for _ in range(min(len(waiting), free) - runners.solos_on_the_way()):
            runners.add("solo")

    def _assign_suspects(self) -> None:
        """In their order: one that needs a runner for itself gets it when the runs there have ended."""
        waiting, free = self._waiting.suspects, self._free_apart()
        while waiting and free > 0 and (runner := self._group_for(waiting[0])):
            runner.assign([waiting.popleft()])
            free -= 1

    def _assign_guest(self) -> None:
        guest, lone = self._guest, self._waiting.lone
        if guest is not None and guest in lone and (runner := self._group_for(guest)):
            lone.remove(guest)
            runner.assign([guest])

    def _free_apart(self) -> int:
        """Slots that neither a runner has filled nor a job for a shared runner will."""
        return self._slots - (self._ledger.in_flight - self._waiting.apart)

    def _group_for(self, run: Run) -> Runner | None:
        """A runner of suspects that has a place for this one; if there is none, one may be on its way now."""
        groups = self._runners.groups()
        for runner in groups:
            if not runner.takes_jobs:
                continue
            if self._fits(runner, run):
                return runner
            if not runner.runs:  # others were there before, and it keeps the place of one that is unused
                runner.retire()
        if all(runner.is_loaded for runner in groups) and (
            not groups or (len(groups) < MOST_GROUPS and self._runners.has_memory_for_another())
        ):
            self._runners.add("group")
        return None

    def _fits(self, runner: Runner, run: Run) -> bool:
        """Whether each may have so many beside it as there would be; if none, also none before it."""
        most_crashes = max(other.job.crashes for other in [*runner.runs.values(), run])
        size = group_size(self._slots, most_crashes)
        return len(runner.runs) < size and not (size == 1 and runner.was_used)
