"""What is told of: every failure once, every event in one message, every message to its receivers.

In: a history. Out: violations of I20, I21 and I23.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

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
    for message in history.messages:
        if message.count != message.events:
            said = (
                f"message {message.id} tells of {message.count} events, and {message.events} say to be in it"
            )
            yield Violation("I21", None, said)
    if history.unmerged:
        yield Violation("I21", None, f"{history.unmerged} events are in no message")


def messages_reach_their_receivers(history: History) -> Iterator[Violation]:
    """At least once: a worker may die when it has told and before it has said so."""
    heard = _heard(history)
    for message in history.messages:
        told = heard.get((message.receiver, message.id), [])
        if not message.is_delivered:
            yield Violation("I23", None, f"{message.receiver} was not told of message {message.id}")
        elif not told and message.receiver in history.listeners:
            said = f"{message.receiver} is said to know message {message.id}, and has not heard it"
            yield Violation("I23", None, said)


def a_message_says_the_same_whoever_tells_it(history: History) -> Iterator[Violation]:
    """A receiver knows by the id what it has heard before, so an id stands for the same events for ever."""
    counts = {(message.receiver, message.id): message.count for message in history.messages}
    for key, told in _heard(history).items():
        if any(one != told[0] for one in told):
            yield Violation("I23", None, f"{key[0]} heard of message {key[1]} in different words")
        if counts.get(key) != told[0]["count"]:
            said = f"of {told[0]['count']} events in message {key[1]}, which has {counts.get(key)}"
            yield Violation("I23", None, f"{key[0]} heard {said}")


def _heard(history: History) -> dict[tuple[str, int], list[dict[str, Any]]]:
    heard: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for one in history.heard:
        heard[one.receiver, one.message["id"]].append(one.message)
    return heard
