"""The script of a storm: which fault, when, against whom, for how long, all from one seed.

In: a seed and the weather. Out: blows, which `faults` carries out.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final, NamedTuple

from storm import network


class Blow(NamedTuple):
    """One line of the script. `dice` is a number that the fault may use to choose."""

    at: float
    kind: str
    place: int
    seconds: float
    dice: int

    def __str__(self) -> str:
        return f"{self.at:7.2f}  {self.kind} (place {self.place}, {self.seconds:.1f} s)"


class Unfinished(Exception):
    """A fault did not happen, or not in full; the message says why."""


class Weather(NamedTuple):
    """How often, and how hard."""

    gap_seconds: tuple[float, float]
    longest_seconds: float
    long_ones: bool
    held_seconds: tuple[float, float]
    drain_seconds: float


SHORT: Final = Weather((0.3, 3.5), 4.0, False, (2.0, 5.0), 180.0)
LONG: Final = Weather((0.3, 8.0), 6.0, True, (10.0, 40.0), 600.0)
# How often each comes; those of the second row last longer than a lease.
WEIGHTS: Final[Mapping[str, float]] = {
    "kill worker": 3, "kill runner": 3, "term": 2, "term and kill": 1, "pause": 2, "pause runner": 1,
    "pause family": 1, "declare lost": 3, "end connection": 3, "restart": 1, "crash": 1, "kill backend": 1,
    "cut": 2, "stall": 2, "mute": 1, "exhaust connections": 1, "flood": 1, "lock table": 1,
    "vacuum full": 0.5, "reindex": 0.5, "migrate": 0.5, "exhaust descriptors": 1, "exhaust runner": 1,
    "exhaust memory": 1, "exhaust processes": 1, "deaf log": 1.5, "read only": 0.7,
    **dict.fromkeys(network.RULES, 0.5),
}  # fmt: skip
POOLER_WEIGHTS: Final[Mapping[str, float]] = {"kill pooler": 1, "pause pooler": 1}
LONG_WEIGHTS: Final[Mapping[str, float]] = {
    "pause": 1,
    "pause family": 1,
    "stall": 1,
    "mute": 1,
    "kill worker": 1,
    "deaf log": 1,
    "drop all packets": 1,
}
# These leave the worker of the last place alone, so that one lives through the whole storm.
ENDING: Final = frozenset({"kill worker", "term", "term and kill"})
LONG_SECONDS: Final = (35.0, 45.0)
LOST_SECONDS: Final = (1.0, 5.0)
# Not one of the others, so that their script stays what it was; and the first comes in every storm.
ACT: Final = "kill in the act"
ACT_SECONDS: Final = (4.0, 12.0)
WAIT_FOR_ACT_SECONDS: Final = 4.0


def script(seed: int, seconds: float, places: int, weather: Weather, *, pooled: bool = False) -> list[Blow]:
    """The blows of a storm; the same arguments always give the same script."""
    short_ones = {**WEIGHTS, **POOLER_WEIGHTS} if pooled else WEIGHTS
    dice = random.Random(seed)
    blows = []
    at = dice.uniform(*weather.gap_seconds)
    while at < seconds:
        long = weather.long_ones and dice.random() < 0.06 and at < seconds - LONG_SECONDS[1]
        weights = LONG_WEIGHTS if long else short_ones
        kind = dice.choices(list(weights), list(weights.values()))[0]
        lasts = dice.uniform(*LONG_SECONDS) if long else dice.uniform(0.5, weather.longest_seconds)
        place = dice.randrange(max(1, places - 1) if kind in ENDING else places)
        blows.append(Blow(at, kind, place, lasts, dice.randrange(1 << 30)))
        at += dice.uniform(*weather.gap_seconds)
    return blows


def with_acts(blows: list[Blow], seed: int, seconds: float, places: int) -> list[Blow]:
    """The same, and every few seconds a worker that is killed in the midst of something."""
    dice = random.Random(f"acts {seed}")
    at = dice.uniform(*ACT_SECONDS)
    acts = []
    while at < seconds:
        acts.append(Blow(at, ACT, dice.randrange(places), WAIT_FOR_ACT_SECONDS, dice.randrange(1 << 30)))
        at += dice.uniform(*ACT_SECONDS)
    return sorted([*blows, *acts])


def with_promotion(blows: list[Blow], seed: int, seconds: float) -> list[Blow]:
    """The same, and in the midst of it a promotion that loses some seconds."""
    lost_seconds = random.Random(f"promotion {seed}").uniform(*LOST_SECONDS)
    return sorted([*blows, Blow(seconds / 2, "promote", 0, lost_seconds, 0)])
