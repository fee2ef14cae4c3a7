"""Counts the bytes of values that wait in control to be written; while they are many, runners keep theirs.

In: what `notes` and `record` hold and let go. Out: pressure on runners. Only large values wait there. Starts,
small ends and orders to stop pass at any time, so nothing that is slow to write hides a runner's life. Ends
whose rows take nothing now are put aside: they must not hold up the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from rowcrew.control.children.runner import Runner

MOST_BYTES: Final = 16 * 1024 * 1024
"""Four statements' worth. What is on the way when runners are told comes on top: a few MiB from each."""
MOST_BYTES_ASIDE: Final = 16 * 1024 * 1024


class Backlog:
    """The bytes of results, children, progress and checkpoints that control holds.

    Attributes:
        bytes_held: how many they are, without those put aside.
        full: set while runners are told to keep large values.
    """

    def __init__(self, *, runners: Iterable[Runner]) -> None:
        self._runners = runners
        self.bytes_held = 0
        self._aside: dict[str, int] = {}
        self._bytes_aside = 0
        self.full = asyncio.Event()

    def add(self, size: int) -> None:
        """So many bytes more are held; fewer if it is negative."""
        self.bytes_held += size
        if self.full.is_set():
            if self.bytes_held <= MOST_BYTES // 2:
                self.full.clear()
                self._press(False)
        elif self.bytes_held > MOST_BYTES:
            self.full.set()
            self._press(True)

    def put_aside(self, lease_id: str, size: int) -> bool:
        """Count the values of an end no more; whether there was room for that, else they count on."""
        if lease_id in self._aside:
            return True
        if self._bytes_aside + size > MOST_BYTES_ASIDE:
            return False
        self._aside[lease_id] = size
        self._bytes_aside += size
        self.add(-size)
        return True

    def let_go(self, size: int, leases: Iterable[str]) -> None:
        """So many bytes are written, the values of the ends of these leases, put aside or not."""
        if self._aside:
            aside = sum([self._aside.pop(lease_id, 0) for lease_id in leases])
            self._bytes_aside -= aside
            size -= aside
        self.add(-size)

    def introduce(self, runner: Runner) -> None:
        """A new runner has not heard yet."""
        if self.full.is_set():
            runner.press(True)

    def _press(self, is_full: bool) -> None:
        for runner in self._runners:
            if runner.is_loaded:
                runner.press(is_full)
