"""Joins the organs that a reserved job meets on its way through. Made by `organs`, and by tests without it.

Each organ is made with those it calls, so the order here is the order of the arrows: nothing below is known
above.
"""

from __future__ import annotations

from rowcrew.control.care.turned_back import LatelyCompleted
from rowcrew.control.children.runners import Runners
from rowcrew.control.chores.chore import Routine
from rowcrew.control.clock import Clock
from rowcrew.control.identity import Identity
from rowcrew.control.ledger import Ledger
from rowcrew.control.letting_go import LettingGo
from rowcrew.control.links import Links
from rowcrew.control.road.backlog import Backlog
from rowcrew.control.road.closing import Closing
from rowcrew.control.road.dispatch import Dispatcher
from rowcrew.control.road.ending import Ending
from rowcrew.control.road.expected import Expected
from rowcrew.control.road.lines import Lines
from rowcrew.control.road.notes import Notes
from rowcrew.control.road.record import Recorder
from rowcrew.control.road.reports import Reports
from rowcrew.control.road.stopping import Stopping
from rowcrew.control.road.waiting import Waiting
from rowcrew.control.road.writing import Writer
from rowcrew.control.set_aside import SetAside
from rowcrew.log import Log
from rowcrew.model.appetite import RunTimes
from rowcrew.model.catalogue import Catalogue
from rowcrew.model.tally import Tally
from rowcrew.settings import Settings


class Road:
    """From `dispatcher.take` to `recorder.run`, by way of a runner and `reports`."""

    def __init__(
        self,
        *,
        settings: Settings,
        links: Links,
        identity: Identity,
        set_aside: SetAside,
        examine: Routine,
        runners: Runners,
        catalogue: Catalogue,
        clock: Clock,
        log: Log,
    ) -> None:
        self.ledger = Ledger(clock=clock)
        self.waiting = Waiting(slots=settings.slots)
        self.run_times = RunTimes()
        self.letting_go = LettingGo(link=links.chores, clock=clock, log=log)
        self.backlog = Backlog(runners=runners)
        self.lately_completed = LatelyCompleted(clock)
        self.expected = Expected(link=links.chores, clock=clock)
        self.tally = Tally()
        self.recorder = Recorder(
            link=links.record,
            writer=Writer(link=links.record, identity=identity, log=log),
            examine=examine,
            closing=Closing(
                ledger=self.ledger,
                letting_go=self.letting_go,
                lately_completed=self.lately_completed,
                expected=self.expected,
                tally=self.tally,
                log=log,
            ),
            backlog=self.backlog,
            set_aside=set_aside,
            catalogue=catalogue,
            clock=clock,
            log=log,
        )
        self.ending = Ending(
            ledger=self.ledger,
            waiting=self.waiting,
            recorder=self.recorder,
            letting_go=self.letting_go,
            backlog=self.backlog,
        )
        self.stopping = Stopping(
            ledger=self.ledger,
            ending=self.ending,
            catalogue=catalogue,
            grace_seconds=settings.cancel_grace_seconds,
            clock=clock,
            log=log,
        )
        self.notes = Notes(link=links.chores, ledger=self.ledger, backlog=self.backlog, clock=clock, log=log)
        self.lines = Lines(link=links.chores, most_bytes=settings.job_log_bytes, clock=clock, log=log)
        self.dispatcher = Dispatcher(
            slots=settings.slots,
            ledger=self.ledger,
            waiting=self.waiting,
            runners=runners,
            ending=self.ending,
            catalogue=catalogue,
            run_times=self.run_times,
            log=log,
        )
        self.reports = Reports(
            ledger=self.ledger,
            waiting=self.waiting,
            dispatcher=self.dispatcher,
            ending=self.ending,
            stopping=self.stopping,
            notes=self.notes,
            lines=self.lines,
            backlog=self.backlog,
            run_times=self.run_times,
            clock=clock,
            log=log,
        )
