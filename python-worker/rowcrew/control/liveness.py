"""A file that says "this worker lives", for health checks that must not cost a connection or an import.

Touched at every acknowledged heartbeat, removed at the end. `rowcrew healthcheck` reads its age.
"""

from __future__ import annotations

from contextlib import suppress

from rowcrew import liveness


class Liveness:
    """The file of this worker."""

    def __init__(self, lease_seconds: float) -> None:
        self._file = liveness.own_file()
        self._lease_seconds = lease_seconds

    def touch(self) -> None:
        with suppress(OSError):  # a full or read-only disk is no reason to stop working
            liveness.remove_stale()
            liveness.write(self._file, self._lease_seconds)

    def remove(self) -> None:
        with suppress(OSError):
            self._file.unlink(missing_ok=True)
