"""How long to wait for an answer of the database before the statement is sent again over another connection.

In: how long answers took, and that one never came. Out: seconds. Learned as TCP learns when to send a packet
again (RFC 6298). Pure. Held by a link.
"""

from __future__ import annotations

from typing import Final

# A statement may wait a second for the lock on a row (`LOCK_TIMEOUT`), and as long again for the disk.
LEAST_SECONDS: Final = 2.0
# What a slow line carries, and a busy server parses.
BYTES_PER_SECOND: Final = 1024 * 1024


class Patience:
    """The patience of one link: what it has learned, within two bounds.

    Args:
        least: with a statement that carries little, once answers were measured.
        most: with any, and with all while nothing is known.
    """

    def __init__(self, *, least: float = LEAST_SECONDS, most: float) -> None:
        self._least = least
        self._most = most
        self._smoothed: float | None = None
        self._variation = 0.0
        self._factor = 1.0

    def seconds(self, size: int = 0) -> float:
        """For how long to wait for the answer to a statement that carries so many bytes."""
        if self._smoothed is None:
            return self._most
        learned = max(self._least, self._smoothed + 4 * self._variation)
        return min(self._most, learned * self._factor + size / BYTES_PER_SECOND)

    def answered(self, seconds: float) -> None:
        """An answer came after so long. One that took long is waited for the next time too."""
        if self._smoothed is None:
            self._smoothed, self._variation = seconds, seconds / 2
            return
        self._variation += (abs(seconds - self._smoothed) - self._variation) / 4
        self._smoothed += (seconds - self._smoothed) / 8

    def missed(self) -> None:
        """No answer came in time: the same is waited for twice as long, as the server may be only slow."""
        self._factor = min(2 * self._factor, self._most / self._least)

    def came_through(self) -> None:
        """What was missed has been answered. A single answer does not say so: statements differ, and a quick
        one before each slow one would have the slow one given up for ever.
        """
        self._factor = 1.0
