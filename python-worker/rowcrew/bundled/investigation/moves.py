"""What an investigation does next, decided from what is stored of it and its limits alone.

In: steps, limits, the time that has passed. Out: ask the model, use tools, or stop, and why. No limit is
passed: a turn is asked for only if its input, counted generously, leaves room for an answer, and the answer
is limited to that room. Pure: an attempt goes on where the steps of another end. Called by the handler.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from rowcrew.bundled.investigation.conversation import Step
from rowcrew.bundled.investigation.payload import StopReason
from rowcrew.bundled.investigation.settings import Prices

MOST_OUTPUT: Final = 4_096
LEAST_OUTPUT: Final = 16


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What an investigation may take in all its attempts together."""

    steps: int
    tokens: int
    usd: Decimal
    seconds: float


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the model for the turn of this step, of at most so many tokens."""

    number: int
    most_output: int


class Use(msgspec.Struct, frozen=True):
    """Use the tools that the turn of this step calls."""

    step: Step


class Stop(msgspec.Struct, frozen=True):
    """End the investigation."""

    reason: StopReason


Move = Ask | Use | Stop


def next_move(steps: Sequence[Step], limits: Limits, prices: Prices, *, coming: int, elapsed: float) -> Move:
    """What to do after these steps, all of which have a turn.

    Args:
        coming: how many tokens the next turn reads, rather too many than too few.
        elapsed: seconds since the beginning.
    """
    if steps and (reason := _said_enough(steps[-1])):
        return Stop(reason)
    if elapsed >= limits.seconds:
        return Stop("time")
    if len(steps) >= limits.steps:
        return Stop("steps")
    if steps and steps[-1].results is None:
        return Use(steps[-1])
    tokens, usd = spent(steps)
    room = limits.tokens - tokens - coming
    if room < LEAST_OUTPUT:
        return Stop("tokens")
    affordable = _affordable(limits.usd - usd - prices.of(coming, 0), prices)
    if affordable < LEAST_OUTPUT:
        return Stop("cost")
    return Ask(number=len(steps) + 1, most_output=min(MOST_OUTPUT, room, affordable))


def _said_enough(last: Step) -> StopReason | None:
    assert last.turn is not None
    match last.turn.ended:
        case "refused":
            return "refusal"
        case "cut":
            return "tokens"
        case "whole":
            return None if last.turn.calls else "answer"


def _affordable(usd: Decimal, prices: Prices) -> int:
    """How many tokens of output this buys, as far as anybody asks for more."""
    if usd < 0:
        return 0
    if prices.of(0, MOST_OUTPUT) <= usd:
        return MOST_OUTPUT
    return int(usd / prices.of(0, 1))


def spent(steps: Sequence[Step]) -> tuple[int, Decimal]:
    """Tokens and US dollars that these steps took."""
    usages = [step.usage for step in steps if step.usage is not None]
    return sum(usage.tokens for usage in usages), sum((usage.cost_usd for usage in usages), Decimal(0))
