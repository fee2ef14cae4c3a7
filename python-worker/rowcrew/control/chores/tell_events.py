"""Tells receivers of what happened: merges events into messages, and tells each receiver its own.

In: rows of `events` and `event_receivers`. Out: messages told, through `telling`, at least once each. Nothing
is held while a receiver is told, neither transaction nor lock: a claim proves whose word counts, and runs out
when its worker dies. A slow receiver holds up no other.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from typing import TYPE_CHECKING, Final

from rowcrew.control.chores.chore import UNTIL_WOKEN
from rowcrew.log import Log
from rowcrew.model.cleaning import describe
from rowcrew.model.event import Message, Receiver, backoff_seconds
from rowcrew.settings import Settings
from rowcrew.table import events as table
from rowcrew.table.link import Link

if TYPE_CHECKING:
    from rowcrew.control.telling.tell import Teller

LOOK_SECONDS: Final = 5.0
MOST_AT_ONCE: Final = 4  # each is a process of its own
SPARE_SECONDS: Final = 30.0  # beyond the time that a receiver has: until the claim is settled


class TellEvents:
    """The chore that tells of events. Without receivers it sleeps until there are any."""

    name = "events"
    jitter_seconds = LOOK_SECONDS

    def __init__(self, *, link: Link, settings: Settings, log: Log) -> None:
        self._link = link
        self._settings = settings
        self._log = log
        self._teller: Teller | None = None
        self._has_receivers = False
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._failing: set[str] = set()

    @property
    def period_seconds(self) -> float:
        return LOOK_SECONDS if self._has_receivers else UNTIL_WOKEN

    async def once(self) -> None:
        """Tell what is due. While somebody is being told, look again for the others."""
        try:
            await self._look()
            while self._busy:
                await asyncio.wait(self._busy.values(), timeout=LOOK_SECONDS)
                self._let_go_of_done()
                if self._busy:
                    await self._look()
        finally:
            await self._give_up()

    async def _look(self) -> None:
        receivers = await table.receivers(self._link)
        self._has_receivers = bool(receivers)
        if not receivers:
            return
        await table.merge(self._link, merge_seconds=self._settings.event_merge_seconds)
        teller = self._teller or self._make_teller()
        for receiver in receivers:
            if receiver.name not in self._busy and teller.can_tell(receiver):
                telling = self._tell_all(teller, receiver)
                self._busy[receiver.name] = asyncio.create_task(telling, name=f"tell {receiver.name}")

    def _make_teller(self) -> Teller:
        """Imported now: most workers have nobody to tell."""
        from rowcrew.control.telling.tell import Teller

        self._teller = Teller(settings=self._settings, log=self._log)
        return self._teller

    async def _tell_all(self, teller: Teller, receiver: Receiver) -> None:
        """Tell what is due for one receiver, in order; one that fails is left alone until the next look."""
        is_well = True
        while is_well:
            async with self._places:
                claim = uuid.uuid4()
                seconds = receiver.timeout_seconds + SPARE_SECONDS
                message = await table.claim(
                    self._link, receiver=receiver.name, claim=claim, claim_seconds=seconds
                )
                if message is None:
                    return
                error = await self._told(teller, receiver, message)
                await self._settle(receiver, message, claim, error)
                is_well = error is None

    async def _told(self, teller: Teller, receiver: Receiver, message: Message) -> str | None:
        try:
            return await teller.tell(receiver, message)
        except OSError as error:  # no descriptor is left, or no disk
            return describe(error)

    async def _settle(
        self, receiver: Receiver, message: Message, claim: uuid.UUID, error: str | None
    ) -> None:
        given_up = await table.settle(
            self._link,
            id=message.id,
            receiver=receiver.name,
            claim=claim,
            error=error,
            most=receiver.max_attempts,
            backoff_seconds=backoff_seconds(message.attempts, random.random()),  # noqa: S311 - jitter
        )
        facts = {"receiver": receiver.name, "kind": message.kind, "message_id": message.id, "error": error}
        if error is None:
            self._failing.discard(receiver.name)
        elif given_up:
            self._log.event("event.untold", attempts=message.attempts, **facts)
        elif receiver.name not in self._failing:
            self._failing.add(receiver.name)
            self._log.event("event.failed", **facts)

    def _let_go_of_done(self) -> None:
        for name in [name for name, telling in self._busy.items() if telling.done()]:
            self._busy.pop(name).result()

    async def _give_up(self) -> None:
        """The worker stops, or the database is away: claims that are not settled run out.

        Each task's error is taken: what the loop finds forgotten ends the worker.
        """
        left = list(self._busy.values())
        self._busy.clear()
        for telling in left:
            telling.cancel()
        await asyncio.gather(*left, return_exceptions=True)
