"""Makes the organs of a worker, once its crew has said what it can run, and lists what runs.

In: what the worker has by then. Out: `Organs`, for `worker` to start in order and stop in reverse.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rowcrew.control.asked import Requests
from rowcrew.control.care.fence import FenceWatch
from rowcrew.control.care.heartbeat import Heartbeat
from rowcrew.control.care.rescue import Rescue
from rowcrew.control.care.turned_back import TurnedBack
from rowcrew.control.children.runners import Runners
from rowcrew.control.children.usage import Usage
from rowcrew.control.chores.chore import Chore, Routine
from rowcrew.control.chores.deep_queues import DeepQueues
from rowcrew.control.chores.lines import SweepLines
from rowcrew.control.chores.old_snapshots import OldSnapshots
from rowcrew.control.chores.prune import Prune
from rowcrew.control.chores.prune_starts import PruneStarts
from rowcrew.control.chores.put_back import PutBackLimits
from rowcrew.control.chores.queues import ReadQueues
from rowcrew.control.chores.results import EmptyResults
from rowcrew.control.chores.round import Round
from rowcrew.control.chores.schedules import Schedules
from rowcrew.control.chores.stats import MergeStats, WriteStats
from rowcrew.control.chores.tell_events import TellEvents
from rowcrew.control.chores.unbegun import TakeBackUnbegun
from rowcrew.control.chores.waits import ExamineWaits, SweepWaits
from rowcrew.control.clock import Clock
from rowcrew.control.identity import Identity
from rowcrew.control.links import Links
from rowcrew.control.road.alone import RunAlone
from rowcrew.control.road.reserving import Reserving
from rowcrew.control.road.road import Road
from rowcrew.control.set_aside import SetAside
from rowcrew.control.wake_up import WakeUp
from rowcrew.liveness import Liveness
from rowcrew.log import Log
from rowcrew.model.catalogue import Catalogue
from rowcrew.model.stay import Limits
from rowcrew.settings import Settings, Supervisor

if TYPE_CHECKING:
    from rowcrew.control.care.protection import TaskProtection
    from rowcrew.control.care.supervision import Supervision
    from rowcrew.control.health import Health
    from rowcrew.control.stay import Stay

Loop = Callable[[], Coroutine[Any, Any, None]]


class Organs:
    """The organs of one worker, joined and not yet running.

    Args:
        agent: the address of the agent of ECS, if this is a task there.
        limits: what ends the worker's stay, if it comes and goes.
        began: when the worker was started.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        links: Links,
        runners: Runners,
        catalogue: Catalogue,
        clock: Clock,
        log: Log,
        supervisor: Supervisor | None = None,
        agent: str | None = None,
        limits: Limits | None = None,
        began: float = 0.0,
    ) -> None:
        self._settings = settings
        self._links = links
        self.runners = runners
        self._catalogue = catalogue
        self._clock = clock
        self._began = began
        self._log = log
        self.identity = Identity(link=links.heartbeat, types=catalogue.names, settings=settings, log=log)
        self.set_aside = SetAside(link=links.chores, identity=self.identity, log=log)
        self.liveness = Liveness(settings.lease_seconds)
        self.examine = self._routine(
            ExamineWaits(link=links.chores, set_aside=self.set_aside, poll_seconds=settings.poll_seconds)
        )
        self.road = Road(
            settings=settings,
            links=links,
            identity=self.identity,
            set_aside=self.set_aside,
            examine=self.examine,
            runners=runners,
            catalogue=catalogue,
            clock=clock,
            log=log,
        )
        self.requests = Requests(ledger=self.road.ledger, log=log)
        self.fence = self._make_fence()
        self.usage = self._make_usage(replaces=limits is None)
        self.heartbeat = self._make_heartbeat()
        self.supervision = self._make_supervision(supervisor) if supervisor else None
        self.protection = self._make_protection(agent) if agent else None
        self.reserving = self._make_reserving(limits or Limits())
        self.reserver = self.reserving.reserver
        self.stay = self._make_stay(limits, began) if limits else None
        self.queues = ReadQueues(link=links.chores, named=settings.queue_name, catalogue=catalogue)
        self.turned_back = TurnedBack(links=links, lately_completed=self.road.lately_completed, log=log)
        self.rescue = Rescue(
            seconds=settings.heartbeat_seconds,
            link=links.chores,
            identity=self.identity,
            set_aside=self.set_aside,
            tally=self.road.tally,
            clock=clock,
            log=log,
        )
        self.stats = WriteStats(link=links.chores, identity=self.identity, tally=self.road.tally)

    def loops(self) -> Iterator[tuple[str, Loop]]:
        """What runs for as long as the worker lives, in the order of starting."""
        yield "heartbeat", self.heartbeat.run
        yield "fence", self.fence.run
        yield "record", self.road.recorder.run
        yield "notes", self.road.notes.run
        if self._settings.job_log_bytes:
            yield "lines", self.road.lines.run
        routines = [*map(self._routine, self._chores()), self.examine]
        for routine in [*routines, self._routine(self._round(routines))]:
            yield routine.name, routine.run
        if (address := self._listens_at()) is not None:
            yield "wake-up", self._make_wake_up(address).run
            yield "expected", self.road.expected.run
        if self.supervision is not None:
            yield "supervision", self.supervision.run
        if self.protection is not None:
            yield "protection", self.protection.run
        if self.stay is not None:
            yield "stay", self.stay.run
        yield "reserve", self.reserver.run

    def _chores(self) -> list[Chore]:
        link = self._links.chores
        return [
            self.rescue,
            self.turned_back,
            self.queues,
            SweepWaits(link=link, examine=self.examine),
            self.stats,
            MergeStats(link=link),
            OldSnapshots(link=link, log=self._log),
            TellEvents(link=link, settings=self._settings, log=self._log),
            DeepQueues(link=link),
            Prune(link=link, settings=self._settings, log=self._log),
            SweepLines(link=link),
            EmptyResults(link=link, keep_seconds=self._settings.keep_result_seconds, log=self._log),
            Schedules(link=link, clock=self._clock, log=self._log),
            PruneStarts(link=link),
            PutBackLimits(link=link, log=self._log),
            TakeBackUnbegun(
                runners=self.runners,
                waiting=self.road.waiting,
                ending=self.road.ending,
                clock=self._clock,
                log=self._log,
            ),
            RunAlone(
                slots=self._settings.slots,
                link=link,
                identity=self.identity,
                ledger=self.road.ledger,
                waiting=self.road.waiting,
                dispatcher=self.road.dispatcher,
                catalogue=self._catalogue,
                clock=self._clock,
            ),
        ]

    def _round(self, routines: Sequence[Routine]) -> Round:
        return Round(
            link=self._links.chores,
            identity=self.identity,
            routines={routine.name: routine for routine in routines},
            heartbeat_seconds=self._settings.heartbeat_seconds,
        )

    def _routine(self, chore: Chore) -> Routine:
        return Routine(chore, link=self._links.chores, clock=self._clock, log=self._log)

    def _make_fence(self) -> FenceWatch:
        return FenceWatch(
            seconds=self._settings.fence_seconds,
            ledger=self.road.ledger,
            stopping=self.road.stopping,
            clock=self._clock,
            log=self._log,
        )

    def _make_heartbeat(self) -> Heartbeat:
        settings, log = self._settings, self._log
        return Heartbeat(
            seconds=settings.heartbeat_seconds,
            link=self._links.heartbeat,
            identity=self.identity,
            ledger=self.road.ledger,
            recorder=self.road.recorder,
            stopping=self.road.stopping,
            requests=self.requests,
            fence=self.fence,
            liveness=self.liveness,
            usage=self.usage,
            clock=self._clock,
            log=log,
        )

    def _make_usage(self, *, replaces: bool) -> Usage:
        return Usage(
            runners=self.runners,
            limit_bytes=self._settings.max_memory_bytes,
            replaces=replaces,
            tally=self.road.tally,
            clock=self._clock,
            log=self._log,
        )

    def _make_supervision(self, supervisor: Supervisor) -> Supervision:
        from rowcrew.control.care.supervision import Supervision

        return Supervision(
            supervisor=supervisor,
            heartbeat=self.heartbeat,
            lease_seconds=self._settings.lease_seconds,
            ledger=self.road.ledger,
            slots=self._settings.slots,
            clock=self._clock,
            log=self._log,
        )

    def _make_protection(self, agent: str) -> TaskProtection:
        from rowcrew.control.care.protection import TaskProtection

        return TaskProtection(agent=agent, ledger=self.road.ledger, clock=self._clock, log=self._log)

    def health(self) -> Health:
        """What tells how the worker does; made when somebody wants to know."""
        from rowcrew.control.health import Health

        return Health(
            identity=self.identity,
            queues=self._settings.queues,
            lease_seconds=self._settings.lease_seconds,
            began=self._began,
            link=self._links.chores,
            heartbeat=self.heartbeat,
            ledger=self.road.ledger,
            requests=self.requests,
            clock=self._clock,
        )

    def _make_stay(self, limits: Limits, began: float) -> Stay:
        from rowcrew.control.stay import Stay

        return Stay(
            limits=limits,
            began=began,
            ledger=self.road.ledger,
            reserver=self.reserver,
            requests=self.requests,
            usage=self.usage,
            clock=self._clock,
            log=self._log,
        )

    def _make_reserving(self, limits: Limits) -> Reserving:
        return Reserving(
            settings=self._settings,
            link=self._links.reserve,
            identity=self.identity,
            set_aside=self.set_aside,
            road=self.road,
            fence=self.fence,
            heartbeat=self.heartbeat,
            requests=self.requests,
            limits=limits,
            catalogue=self._catalogue,
            clock=self._clock,
            log=self._log,
        )

    def _listens_at(self) -> str | None:
        """An address at which a connection can listen: not through a transaction pooler."""
        if self._settings.database_direct_url:
            return self._settings.database_direct_url
        return None if self._links.chores.pooled else self._settings.require_database_url()

    def _make_wake_up(self, address: str) -> WakeUp:
        return WakeUp(
            address=address,
            admit=self._links.timelines.admit,
            identity=self.identity,
            reserver=self.reserver,
            heartbeat=self.heartbeat,
            expected=self.road.expected,
            examine=self.examine,
            clock=self._clock,
            log=self._log,
        )
