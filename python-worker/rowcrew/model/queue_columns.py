"""What a person may set for a queue, column by column, and what is wrong with a value.

In: a column of `queues` and what somebody typed for it. Out: the value, or one sentence that says what to
give instead. Every face checks with it; the constraints of the table say the same to psql.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

NONE: Final = "none"
_LARGEST: Final = 2**31 - 1


class Range(NamedTuple):
    """The whole numbers that a column takes. `otherwise` is what it holds where nothing is set."""

    least: int
    largest: int = _LARGEST
    otherwise: int | None = None


NUMBERS: Final[Mapping[str, Range]] = {
    "maxConcurrent": Range(0),
    "maxConcurrentPerKey": Range(0),
    "rateLimit": Range(0),
    "rateLimitPerKey": Range(0),
    "ratePeriodSeconds": Range(1, 2_592_000, 1),
    "timeoutSeconds": Range(1),
    "keepCompletedSeconds": Range(0),
    "keepFailedSeconds": Range(0),
    "keepCompletedCount": Range(0),
    "keepResultSeconds": Range(0),
    "rescueForeignSeconds": Range(1),
    "maxRuntimeSeconds": Range(1),
    "cooldownSeconds": Range(0, otherwise=0),
    "maxJobsPerSession": Range(1),
    "idleTimeoutSeconds": Range(0),
    "checkIntervalSeconds": Range(1),
    "targetWaitSeconds": Range(1),
    "cpuPercent": Range(1),
    "memoryBytes": Range(1, 2**63 - 1),
}
TEXTS: Final[Mapping[str, str]] = {
    "label": "",
    "launcher": "[a-z]+",
    "launchCommand": "[a-z0-9_-]+",
}
"""Columns of text, and what a text must look like; an empty form takes any."""


def number(column: str, text: str) -> int | None:
    """The value to write.

    Raises:
        ValueError: the column cannot hold it.
    """
    least, largest, otherwise = NUMBERS[column]
    if text == NONE:
        return otherwise
    if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= largest:
        upper = f"to {largest}" if largest < _LARGEST else "up"
        raise ValueError(f'"{column}" takes a whole number from {least} {upper}, or {NONE}')
    return int(text)


def text(column: str, given: str) -> str | None:
    """The text to write.

    Raises:
        ValueError: the column cannot hold it.
    """
    if given == NONE:
        return None
    form = TEXTS[column]
    if form and not re.fullmatch(form, given):
        raise ValueError(f'"{column}" takes a name of the form {form}, or {NONE}')
    return given
