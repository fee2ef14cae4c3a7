"""How long what workers promise may take, and which faults excuse that it takes longer.

In: faults. Out: bounds, as the documentation promises them, and moments.
"""

from __future__ import annotations

from typing import Final

from storm import network
from storm.history import Fault

BEAT_SECONDS: Final = 5.0
NOTICE_SECONDS: Final = 6.0
GRACE_SECONDS: Final = 2.0
DEATH_SECONDS: Final = 1.0
RESCUE_SECONDS: Final = 40.0
# Faults after which a worker may neither hear nor be heard for a while.
DEAFENING: Final = frozenset(
    {
        "restart",
        "crash",
        "kill backend",
        "end connection",
        "stall",
        "mute",
        "cut",
        "exhaust connections",
        "pause",
    }
    | {"pause family", "lock table", "vacuum full", "kill worker", "term", "term and kill", "declare lost"}
    | {"kill in the act"}
    | {"migrate", "read only", "promote", "exhaust descriptors", "exhaust processes"}
    | {"kill pooler", "pause pooler", *network.RULES}
)


def deadline(faults: list[Fault], since: float, seconds: float) -> float:
    """The moment so many undisturbed seconds later: a fault that makes workers deaf starts the count anew."""
    due = since + seconds
    for fault in sorted(faults, key=lambda fault: fault.start):
        if fault.kind in DEAFENING and since < fault.end and fault.start < due:
            due = max(due, fault.end + seconds)
    return due
