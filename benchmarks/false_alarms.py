"""How often the rule for cost anomalies cries wolf: `python -m benchmarks.false_alarms`.

Synthetic years of services whose bills are in order (weekly rhythm, growth, month ends, credits), judged day
by day by the function that `cost_collection` uses, with both baselines. Beside it, how many of the anomalies
that are planted in steady and in weekly services are found. Amounts follow from --seed.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from rowcrew.bundled.costs.anomaly import WINDOW_DAYS, Finding, History, Rule, judged

YEAR: Final = 365
FIRST: Final = date(2026, 1, 1)
SEED: Final = 2026
SERVICES: Final = 10
RULES: Final = (Rule(), Rule(baseline="weekday"))
_NOISE: Final = 0.08

Amount = Callable[[date, random.Random], float]


class Kind(NamedTuple):
    """A kind of service: what is special about it, and what it costs on a day before the usual noise."""

    name: str
    amount: Amount


def _weekly(day: date, quiet: float) -> float:
    return 100 if day.weekday() < 5 else 100 * quiet


def _grown(day: date, monthly: float) -> float:
    return float(100 * (1 + monthly) ** ((day - FIRST).days / 30.4))


def _is_month_end(day: date) -> bool:
    return (day + timedelta(days=2)).month != day.month


KINDS: Final = (
    Kind("steady", lambda day, dice: 100),
    Kind("weekends at 70 % of weekdays", lambda day, dice: _weekly(day, 0.7)),
    Kind("weekends at 30 % of weekdays", lambda day, dice: _weekly(day, 0.3)),
    Kind(
        "weekends at 30 %, growing by 5 % a month",
        lambda day, dice: _weekly(day, 0.3) * _grown(day, 0.05) / 100,
    ),
    Kind("growing by 5 % a month", lambda day, dice: _grown(day, 0.05)),
    Kind("growing by 30 % a month", lambda day, dice: _grown(day, 0.3)),
    Kind("triple on the last two days of a month", lambda day, dice: 300 if _is_month_end(day) else 100),
    Kind("ten times on the first of a month", lambda day, dice: 1000 if day.day == 1 else 100),
    Kind("a credit of half a day's cost, once a month", lambda day, dice: 50 if day.day == 10 else 100),
    Kind("used on one day of three", lambda day, dice: 100 if dice.random() < 1 / 3 else 0),
    Kind("tiny and erratic", lambda day, dice: dice.expovariate(1 / 0.01)),
)
PLANTED: Final = ((1.4, "+40 %"), (1.8, "+80 %"), (3.0, "+200 %"), (0.3, "-70 %"))
PLANTED_IN: Final = (KINDS[0], KINDS[2])


def year_of(kind: Kind, dice: random.Random) -> dict[date, Decimal]:
    """A service's costs over a year and the month before it."""
    days = (FIRST + timedelta(days=number) for number in range(-WINDOW_DAYS, YEAR))
    return {
        day: Decimal(round(kind.amount(day, dice) * dice.lognormvariate(0, _NOISE), 4)).quantize(
            Decimal("0.0001")
        )
        for day in days
    }


def alarms(costs: dict[date, Decimal], rule: Rule) -> int:
    """On how many days of the year the rule finds an anomaly."""
    history = History(min(costs), costs)
    days = (FIRST + timedelta(days=number) for number in range(YEAR))
    return sum(isinstance(judged(day, costs[day], history, rule), Finding) for day in days)


def false_alarms(services: int, seed: int) -> dict[str, list[float]]:
    """By kind of service: alarms a service and year, for each rule."""
    found: dict[str, list[float]] = {}
    for kind in KINDS:
        years = [year_of(kind, random.Random(f"{seed} {kind.name} {number}")) for number in range(services)]
        found[kind.name] = [sum(alarms(year, rule) for year in years) / services for rule in RULES]
    return found


def planted_found(services: int, seed: int) -> dict[str, list[float]]:
    """By kind and size of what was planted: the part that each rule finds; one is planted every 20 days."""
    found: dict[str, list[float]] = {}
    for kind in PLANTED_IN:
        for factor, name in PLANTED:
            hits, planted = [0, 0], 0
            for number in range(services):
                costs = year_of(kind, random.Random(f"{seed} {kind.name} {number}"))
                history = History(min(costs), costs)
                for offset in range(0, YEAR, 20):
                    day = FIRST + timedelta(days=offset)
                    planted += 1
                    for place, rule in enumerate(RULES):
                        verdict = judged(day, costs[day] * Decimal(str(factor)), history, rule)
                        hits[place] += isinstance(verdict, Finding)
            found[f"{name}, {kind.name}"] = [hit / planted for hit in hits]
    return found


def tables(services: int, seed: int) -> list[str]:
    """Both tables, as docs/guides/cloud-costs.md has them."""
    return [
        "| a service whose bill is in order | mean of 30 days | same weekday |",
        "|---|---|---|",
        *(
            f"| {name} | {mean:.1f} | {weekday:.1f} |"
            for name, (mean, weekday) in false_alarms(services, seed).items()
        ),
        "",
        "| one day's anomaly | mean of 30 days | same weekday |",
        "|---|---|---|",
        *(
            f"| {name} | {mean:.0%} | {weekday:.0%} |"
            for name, (mean, weekday) in planted_found(services, seed).items()
        ),
    ]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.false_alarms", description=__doc__)
    parser.add_argument("--services", type=int, default=SERVICES, help="of each kind")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    print("\n".join(tables(options.services, options.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
