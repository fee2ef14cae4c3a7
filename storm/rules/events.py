"""What is told of: every failure once, and every event in one message.

In: a history. Out: violations of I20 and I21.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from storm.history import History
from storm.rules.violation import Violation


def failures_are_told(history: History) -> Iterator[Violation]:
    """A failure and its event are one commit: there are as many of one as of the other."""
    failed = sum(
        after.status == "failed" != before.status and not after.by_hand
        for steps in history.by_job().values()
        for before, after in pairwise(steps)
    )
    if history.failures_told not in (None, failed):
        said = f"{failed} jobs failed, and events tell of {history.failures_told}"
        yield Violation("I20", None, said)


def each_event_is_in_one_message(history: History) -> Iterator[Violation]:
    for message, (says, events) in history.messages.items():
        if says != events:
            said = f"message {message} tells of {says} events, and {events} say to be in it"
            yield Violation("I21", None, said)
