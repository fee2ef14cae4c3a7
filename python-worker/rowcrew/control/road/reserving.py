"""Joins the organs that take rows, as `road` joins those that a taken row meets. Made by `organs`.

Each organ is made with those it calls, so the order here is the order of the arrows: nothing below is known
above.
"""

from __future__ import annotations

from rowcrew.control.asked import Requests
from rowcrew.control.care.fence import FenceWatch
from rowcrew.control.care.heartbeat import Heartbeat
from rowcrew.control.clock import Clock
from rowcrew.control.identity import Identity
from rowcrew.control.road.appetite import Appetite
from rowcrew.control.road.comeback import Comeback
from rowcrew.control.road.limited import LimitedRoad
from rowcrew.control.road.looks import Looks
from rowcrew.control.road.odd_rows import OddRows
from rowcrew.control.road.open_road import OpenRoad
from rowcrew.control.road.places import Places
from rowcrew.control.road.reserve import Reserver
from rowcrew.control.road.road import Road
from rowcrew.control.set_aside import SetAside
from rowcrew.log import Log
from rowcrew.model.catalogue import Catalogue
from rowcrew.model.stay import Limits
from rowcrew.settings import Settings
from rowcrew.table.link import Link


class Reserving:
    """From `reserver.run` to `dispatcher.take`, on either road."""

    def __init__(
        self,
        *,
        settings: Settings,
        link: Link,
        identity: Identity,
        set_aside: SetAside,
        road: Road,
        fence: FenceWatch,
        heartbeat: Heartbeat,
        requests: Requests,
        limits: Limits,
        catalogue: Catalogue,
        clock: Clock,
        log: Log,
    ) -> None:
        self.odd_rows = OddRows(link=link, set_aside=set_aside)
        self.appetite = Appetite(
            slots=settings.slots,
            most_rows=settings.batch_size,
            ledger=road.ledger,
            dispatcher=road.dispatcher,
            catalogue=catalogue,
            requests=requests,
            limits=limits,
            run_times=road.run_times,
            now=clock.now(),
        )
        self.looks = Looks(poll_seconds=settings.poll_seconds, now=clock.now())
        self.places = Places(types=catalogue.names, queues=settings.queues, by_priority=settings.by_priority)
        self.limited = LimitedRoad(
            link=link,
            types=catalogue.names,
            identity=identity,
            ledger=road.ledger,
            dispatcher=road.dispatcher,
            odd_rows=self.odd_rows,
            poll_seconds=settings.poll_seconds,
            by_priority=settings.by_priority,
            clock=clock,
        )
        self.open_road = OpenRoad(
            link=link,
            queues=settings.queues,
            by_priority=settings.by_priority,
            identity=identity,
            ledger=road.ledger,
            dispatcher=road.dispatcher,
            appetite=self.appetite,
            looks=self.looks,
            places=self.places,
            limited=self.limited,
            odd_rows=self.odd_rows,
            clock=clock,
        )
        self.comeback = Comeback(link=link, heartbeat=heartbeat, odd_rows=self.odd_rows, clock=clock, log=log)
        self.reserver = Reserver(
            ledger=road.ledger,
            fence=fence,
            appetite=self.appetite,
            looks=self.looks,
            open_road=self.open_road,
            limited=self.limited,
            comeback=self.comeback,
            clock=clock,
        )
