"""What a collection has come to: the tally that a next attempt goes on from, and the job's result.

In: what each account gave. Out: values that go into a checkpoint and into the result. Called by `handler`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from rowcrew.bundled.costs.collecting import Anomaly, Collected
from rowcrew.bundled.costs.cost_explorer import CALL_PRICE_USD

MOST_ANOMALIES: Final = 200


class FailedAccount(msgspec.Struct, frozen=True, rename="camel"):
    """An account that could not be collected, and why."""

    account_id: str
    error: str


class Tally(msgspec.Struct, kw_only=True, rename="camel"):
    """What a job has collected so far: the checkpoint that its next attempt goes on from."""

    date: date
    done: list[str] = msgspec.field(default_factory=list)
    services: int = 0
    calls: int = 0
    new_services: int = 0
    short_histories: int = 0
    anomalies: list[Anomaly] = msgspec.field(default_factory=list)
    anomalies_left_off: int = 0

    def add(self, account_id: str, collected: Collected) -> None:
        self.done.append(account_id)
        self.services += collected.services
        self.calls += collected.calls
        self.new_services += collected.new_services
        self.short_histories += collected.short_histories
        every = [*self.anomalies, *collected.anomalies]
        self.anomalies = every[:MOST_ANOMALIES]
        self.anomalies_left_off += len(every) - len(self.anomalies)


class Skipped(msgspec.Struct, frozen=True, rename="camel"):
    """Services that were not judged on the day: their mean is zero, or they are not known for long enough."""

    new_services: int
    short_histories: int


class CollectionResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The result.

    Attributes:
        services: how many cost something on the day, those of each account counted for themselves.
        calls, price_usd: the calls of Cost Explorer that AWS charges for, and what it charges.
        anomalies: on the day and the three before it, at most 200; more are in "costAnomalies".
    """

    date: date
    accounts: int
    succeeded: int
    failed: list[FailedAccount]
    services: int
    anomalies: list[Anomaly]
    anomalies_left_off: int = 0
    skipped: Skipped
    calls: int
    price_usd: float


def result_of(tally: Tally, failed: Sequence[FailedAccount]) -> CollectionResult:
    """The result of a job that has this tally, and to which these accounts failed."""
    return CollectionResult(
        date=tally.date,
        accounts=len(tally.done) + len(failed),
        succeeded=len(tally.done),
        failed=list(failed),
        services=tally.services,
        anomalies=tally.anomalies,
        anomalies_left_off=tally.anomalies_left_off,
        skipped=Skipped(tally.new_services, tally.short_histories),
        calls=tally.calls,
        price_usd=float(tally.calls * CALL_PRICE_USD),
    )
