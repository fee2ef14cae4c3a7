"""Tells of an outage once, however many calls fail in it, and of its end. Held by organs that try again."""

from __future__ import annotations

from rowcrew.log import Log
from rowcrew.table.connection import reason


class Outage:
    """Args:
    purpose: what the connection is for, as the log calls it.
    """

    def __init__(self, *, purpose: str, log: Log) -> None:
        self._purpose = purpose
        self._log = log
        self._is_told = False

    def began(self, error: BaseException) -> None:
        if not self._is_told:
            self._is_told = True
            self._log.event("database.lost", purpose=self._purpose, reason=reason(error))

    def ended(self) -> None:
        """A call came through; also when none had failed before."""
        if self._is_told:
            self._is_told = False
            self._log.event("database.back", purpose=self._purpose)
