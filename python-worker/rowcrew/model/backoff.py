"""How long a job waits before its next attempt."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from rowcrew.model.errors import CrewError

LONGEST_SECONDS: Final = 100 * 365 * 86_400
LARGEST_FACTOR: Final = 1_000


class Backoff(msgspec.Struct, frozen=True, array_like=True):
    """Exponential backoff with full jitter: a random part of min(cap, base · factor^(attempt - 1)) seconds.

    Source of the form: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    base_seconds: float = 2.0
    factor: float = 2.0
    cap_seconds: float = 600.0
    jitter: bool = True

    def __post_init__(self) -> None:
        for field in ("base_seconds", "cap_seconds"):
            seconds = getattr(self, field)
            if not (math.isfinite(seconds) and 0 <= seconds <= LONGEST_SECONDS):
                raise CrewError(f"backoff: {field}={seconds!r}: give seconds from 0 to {LONGEST_SECONDS:,}")
        if not 1 <= self.factor <= LARGEST_FACTOR:
            raise CrewError(f"backoff: factor={self.factor!r}: give a number from 1 to {LARGEST_FACTOR:,}")

    def ceiling(self, attempt: int) -> float:
        """The longest wait after the given attempt failed, in seconds."""
        exponent = min(attempt - 1, 64)
        return min(self.cap_seconds, self.base_seconds * self.factor**exponent)

    def delay(self, attempt: int, fraction: float) -> float:
        """The wait in seconds; `fraction` is a random number in [0, 1)."""
        return self.ceiling(attempt) * (fraction if self.jitter else 1.0)
