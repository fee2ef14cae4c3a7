"""Tells of an outage once, however many calls fail in it, and of its end. Held by organs that try again.

The connection is lost, or the server refuses what the organ asks: its disk is full, a time limit of the role
is too short, a right is missing.
"""

from __future__ import annotations

from rowcrew.log import Log
from rowcrew.table.hosts import NotAdmitted
from rowcrew.table.link import Link, reason


class Outage:
    """The state of one organ's talk with the database: well, or failing and told.

    Args:
        link: what the organ speaks through.
        purpose: what the organ speaks of, as the log calls it.
    """

    def __init__(self, *, link: Link, purpose: str, log: Log) -> None:
        self._link = link
        self._purpose = purpose
        self._log = log
        self._told: type[BaseException] | None = None

    def met(self, error: BaseException) -> None:
        """A call failed. Why a server is not spoken to says more than the silence before."""
        if self._told is None or (isinstance(error, NotAdmitted) and not issubclass(self._told, NotAdmitted)):
            self._told = type(error)
            event = "database.refuses" if self._link.is_open else "database.lost"
            self._log.event(event, purpose=self._purpose, reason=reason(error))

    def passed(self) -> None:
        """A call came through; also when none had failed before."""
        if self._told is not None:
            self._told = None
            self._link.came_through()
            self._log.event("database.back", purpose=self._purpose)
