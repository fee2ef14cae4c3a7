"""Who this worker is to the database: the id of its row in `workers`, and the bootId that proves it."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Sequence

from rowcrew.installed import VERSION
from rowcrew.log import Log
from rowcrew.model.asked import Asked
from rowcrew.model.errors import LaunchGivenUp
from rowcrew.process_key import own_process_key
from rowcrew.settings import Settings
from rowcrew.table import worker as table
from rowcrew.table.link import Link
from rowcrew.table.worker import Entry


class Identity:
    """The entry of one worker. A worker that was declared lost enters anew, so organs ask for it each time.

    Args:
        types: what the worker can run, for its row.
    """

    def __init__(self, *, link: Link, types: Sequence[str], settings: Settings, log: Log) -> None:
        self._link = link
        self.types = types
        self._settings = settings
        self._log = log
        self.worker_id = 0
        self.name = settings.worker_name or ""
        self.boot_id = uuid.uuid4()
        self._given = settings.boot_id

    async def enter(self) -> Asked | None:
        """Get a row in `workers`, committed before anything is reserved under it; what the row asks.

        Raises:
            LaunchGivenUp: this worker was launched, and its place is no longer kept for it.
        """
        boot_id, self._given = uuid.UUID(self._given) if self._given else uuid.uuid4(), None
        name = self.name = self._settings.worker_name or ""
        entry = await self._register(boot_id, name) or await self._register_late(boot_id, name)
        self.worker_id, namesakes, asked = entry
        self.boot_id = boot_id
        if namesakes:
            self.name = f"{name}-{self.worker_id}"
            await table.rename_worker(self._link, worker=self.worker_id, name=self.name)
            self._log.event("worker.renamed", taken=name, name=self.name)
        return asked

    async def leave(self, reason: str) -> None:
        await table.unregister(self._link, worker=self.worker_id, boot=self.boot_id, reason=reason)

    async def _register_late(self, boot_id: uuid.UUID, name: str) -> Entry:
        """One after the other, so that no two of them take the last place."""
        async with self._link.transaction():
            await table.lock_queues(self._link, queues=self._settings.queues)
            entry = await self._register(boot_id, name, is_late=True)
        if entry is None:
            raise LaunchGivenUp(f"nobody waits for the worker {name} any more: it came too late, or twice")
        return entry

    async def _register(self, boot_id: uuid.UUID, name: str, *, is_late: bool = False) -> Entry | None:
        return await table.register(
            self._link,
            boot=boot_id,
            name=name,
            host=socket.gethostname(),
            pid=os.getpid(),
            process_key=own_process_key(),
            version=VERSION,
            queues=self._settings.queues,
            types=self.types,
            slots=self._settings.slots,
            lease_seconds=round(self._settings.lease_seconds),
            former=self.boot_id,
            is_late=is_late,
        )
