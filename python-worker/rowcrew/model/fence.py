"""When a worker must stop its own runs: before anybody else may take them.

A worker's jobs can be rescued once its heartbeat has stood still for a whole lease, watched by a worker
whose own connection was healthy throughout. Two thirds of that after the last heartbeat known to have
arrived, counted from when it was sent, this worker stops its runs. While the database says that it serves
nobody, nobody can be watching, so that time does not count. Silence counts.
"""

from __future__ import annotations


class Fence:
    """The moment by which runs must stop, moved by every proof of life. Times are of one monotonic clock."""

    def __init__(self, *, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._since = now

    def proven(self, sent_at: float) -> None:
        """A heartbeat sent at this time was acknowledged, or refused by a database that serves nobody."""
        self._since = max(self._since, sent_at)

    def remaining(self, now: float) -> float:
        """Seconds until the runs must be stopped; zero or less: now."""
        return self._since + self._seconds - now
