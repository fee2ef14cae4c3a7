"""What comes of starting runners: the first one's word about the crew, and pauses between failed starts."""

from __future__ import annotations

import asyncio
from typing import Final

from rowcrew.model.errors import CrewError
from rowcrew.model.manifest import Manifest

LONGEST_PAUSE_SECONDS: Final = 10.0
_FIRST_PAUSE_SECONDS: Final = 0.1
_MOST_DOUBLINGS: Final = 10


class FirstWord:
    """What the first runner says about the crew; what later ones say changes nothing."""

    def __init__(self) -> None:
        self._manifest: asyncio.Future[Manifest] = asyncio.get_running_loop().create_future()

    async def manifest(self) -> Manifest:
        """What the crew can run.

        Raises:
            CrewError: the crew cannot be loaded.
        """
        return await asyncio.shield(self._manifest)

    def loaded(self, manifest: Manifest) -> None:
        if not self._manifest.done():
            self._manifest.set_result(manifest)

    def failed(self, why: str) -> None:
        if not self._manifest.done():
            self._manifest.set_exception(CrewError(why))
            # A worker that is told to leave while its crew loads asks no more: that is no crash.
            self._manifest.exception()


class Restarts:
    """How fast runners may follow each other: one that dies as soon as it starts has to wait."""

    def __init__(self) -> None:
        self._failures = 0

    def pause_seconds(self, lived_seconds: float) -> float:
        """How long to wait after a runner that lived so long."""
        self._failures = 0 if lived_seconds > LONGEST_PAUSE_SECONDS else self._failures + 1
        if self._failures <= 1:
            return 0.0
        doublings = min(self._failures, _MOST_DOUBLINGS)  # a machine may have no room for days
        return min(LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**doublings)
