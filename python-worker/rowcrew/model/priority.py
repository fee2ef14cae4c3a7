"""Priorities by name: larger runs first."""

from __future__ import annotations

from typing import Any, Final

from rowcrew.model.errors import InvalidJob

PRIORITIES: Final = {"urgent": 20, "high": 10, "normal": 0, "low": -10}


def priority_value(priority: Any) -> int:
    """The number behind a name; numbers from -32768 to 32767 stand for themselves.

    Raises:
        InvalidJob: unknown name, or a number out of range.
    """
    if isinstance(priority, str):
        if priority in PRIORITIES:
            return PRIORITIES[priority]
        raise InvalidJob(
            "priority", f"{priority!r} is unknown; give {', '.join(PRIORITIES)} or a whole number"
        )
    if not isinstance(priority, int) or isinstance(priority, bool) or not -32768 <= priority <= 32767:
        raise InvalidJob(
            "priority", f"{priority!r} is out of range; give a whole number from -32768 to 32767"
        )
    return priority
