"""Spawners that tests tick by hand, against a real table, with launchers that start nothing."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from rowcrew import settings
from rowcrew.control.identity import Identity
from rowcrew.log import Log
from rowcrew.spawn.care import Care
from rowcrew.spawn.elsewhere import Elsewhere
from rowcrew.spawn.launcher import Launch, LaunchFailed
from rowcrew.spawn.places import Places
from rowcrew.spawn.rounds import Checked, Rounds
from rowcrew.spawn.starts import Starts
from rowcrew.table import spawn as table
from rowcrew.table.link import Link
from tests.conftest import Connect
from tests.contract.hands import insert


class StartsNothing:
    """A launcher that notes what it was asked, and fails while it is told to."""

    name = "process"

    def __init__(self) -> None:
        self.launches: list[Launch] = []
        self.fails = False
        self.before_start: Callable[[], object] = lambda: None

    def start(self, launch: Launch) -> str:
        self.before_start()
        if self.fails:
            raise LaunchFailed("no room")
        self.launches.append(launch)
        return f"0:0:{len(self.launches)}:0"

    def running(self) -> Sequence[str]:
        return ()

    def end(self, handle: str) -> None:
        raise AssertionError(f"ended {handle}")


class Spawner:
    """Rounds of one spawner, its launcher and its log."""

    def __init__(self, url: str, **wishes: Any) -> None:
        values = settings.read({"DATABASE_URL": url})
        self.link = Link(url, purpose="spawner")
        self.places = Places(values, only=None, on_end=lambda: None)
        self.launcher = StartsNothing()
        self.places._made["process"] = self.launcher
        self.stream = io.StringIO()
        log = Log("text", self.stream)
        self.starts = Starts(link=self.link, places=self.places, grace_seconds=25.0, log=log)
        self.rounds = Rounds(
            link=self.link, places=self.places, starts=self.starts, queues=wishes.get("queues")
        )
        self.care = Care(
            link=self.link,
            processes=self.places.processes,
            elsewhere=Elsewhere(link=self.link, places=self.places, queues=None, log=log),
            launched=self.starts.launched,
            grace_seconds=25.0,
            log=log,
        )

    async def once(self) -> Checked:
        await self.care.once()
        return await self.rounds.once()

    @property
    def said(self) -> str:
        return self.stream.getvalue()


def crowd(connect: Connect, jobs: int = 5, queue: str = "ai") -> None:
    for _ in range(jobs):
        insert(connect(), queue=queue)


def rows(connect: Connect, columns: str = "name") -> list[tuple[Any, ...]]:
    return connect().execute(f"SELECT {columns} FROM workers ORDER BY id".encode()).fetchall()


async def register(spawner: Spawner, launch: Launch, link: Link | None = None) -> int:
    """Enter a launched worker as it does itself."""
    environment = {**launch.environment, "WORKER_QUEUES": launch.queue, "DATABASE_URL": "postgresql://"}
    entering = Identity(
        link=link or spawner.link, types=["noop"], settings=settings.read(environment), log=Log("text")
    )
    await entering.enter()
    return entering.worker_id


async def live(spawner: Spawner) -> int:
    (standing,) = await table.standings(spawner.link, queues=["ai"])
    return standing.live
