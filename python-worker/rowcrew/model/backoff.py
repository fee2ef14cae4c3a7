"""How long a job waits before its next attempt."""

from __future__ import annotations

import msgspec


class Backoff(msgspec.Struct, frozen=True, array_like=True):
    """Exponential backoff with full jitter: a random part of min(cap, base · factor^(attempt - 1)) seconds.

    Source of the form: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    base_seconds: float = 2.0
    factor: float = 2.0
    cap_seconds: float = 600.0
    jitter: bool = True

    def ceiling(self, attempt: int) -> float:
        """The longest wait after the given attempt failed, in seconds."""
        exponent = min(attempt - 1, 64)
        return min(self.cap_seconds, self.base_seconds * self.factor**exponent)

    def delay(self, attempt: int, fraction: float) -> float:
        """The wait in seconds; `fraction` is a random number in [0, 1)."""
        return self.ceiling(attempt) * (fraction if self.jitter else 1.0)
