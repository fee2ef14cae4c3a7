"""The tables costs and "costAnomalies": what was collected, and what stood out in it.

In: a psycopg connection, whose transaction the caller ends. Out: histories, and which findings are new.
Called by `collecting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
import psycopg

from rowcrew import NewEvent, emit
from rowcrew.bundled.costs.anomaly import WINDOW_DAYS, Finding, History
from rowcrew.bundled.costs.cost_explorer import Cost
from rowcrew.bundled.costs.statements import SQL

ANOMALY_DETECTED: Final = "cost.anomaly.detected"

Connection = psycopg.Connection[Any]


class UsageShare(msgspec.Struct, frozen=True, rename="camel"):
    """A part of what a service cost on a day.

    Attributes:
        share: of the sum of what costs something, 0 to 1; 0 for a credit.
        week_before: the mean of the seven days before.
    """

    usage_type: str
    amount: str
    share: float
    week_before: str


class Why(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an anomaly was found by: the days before it, the band, and what the day consists of.

    Attributes:
        rule: words for the baseline and the threshold.
        days: the days before, oldest first, with what each cost.
        usage_types: largest first; None if Cost Explorer was not asked, or did not answer.
    """

    rule: str
    low: str
    high: str
    days: dict[str, str]
    usage_types: list[UsageShare] | None = None


class FoundAnomaly(msgspec.Struct, frozen=True, kw_only=True):
    """A finding, and what it was found about."""

    service: str
    day: date
    amount: Decimal
    currency: str
    finding: Finding
    why: Why


class KnownAnomaly(msgspec.Struct, frozen=True):
    """An anomaly that is kept already: its amount then, and whether its usage types are there."""

    amount: Decimal
    is_explained: bool


def keep_costs(connection: Connection, account_id: str, costs: Sequence[Cost]) -> None:
    """Replace what is known of the days of these costs."""
    connection.execute(SQL["lock_account"], {"account_id": account_id})
    rows = [
        {
            "day": cost.day,
            "service": cost.name,
            "amount": text(cost.amount),
            "currency": cost.currency,
            "estimated": cost.estimated,
        }
        for cost in costs
    ]
    parameters = {"account_id": account_id, "costs": msgspec.json.encode(rows).decode()}
    connection.execute(SQL["keep_costs"], parameters)


def histories(
    connection: Connection, account_id: str, first: date, last: date
) -> dict[tuple[str, str], History]:
    """By service and currency: the days from 30 before the first to the last."""
    parameters = {"account_id": account_id, "first": first - timedelta(days=WINDOW_DAYS), "last": last}
    rows = connection.execute(SQL["histories"], parameters).fetchall()
    return {
        (service, currency): History(first_day, msgspec.json.decode(amounts, type=dict[date, Decimal]))
        for service, currency, first_day, amounts in rows
    }


def known_anomalies(
    connection: Connection, account_id: str, first: date, last: date
) -> dict[tuple[str, date], KnownAnomaly]:
    parameters = {"account_id": account_id, "first": first, "last": last}
    rows = connection.execute(SQL["known_anomalies"], parameters).fetchall()
    return {(service, day): KnownAnomaly(*rest) for service, day, *rest in rows}


def keep_anomalies(
    connection: Connection, account_id: str, first: date, last: date, found: Sequence[FoundAnomaly]
) -> set[tuple[str, date]]:
    """Keep what was found on these days and clear the rest; which of them nobody knew of."""
    connection.execute(SQL["lock_account"], {"account_id": account_id})
    rows = [
        {
            "service": one.service,
            "day": one.day,
            "amount": text(one.amount),
            "baseline": text(one.finding.baseline),
            "currency": one.currency,
            "deviationPercent": text(one.finding.deviation_percent),
            "severity": one.finding.severity,
            "why": one.why,
        }
        for one in found
    ]
    parameters = {
        "account_id": account_id,
        "first": first,
        "last": last,
        "found": msgspec.json.encode(rows).decode(),
    }
    new = {(service, day) for service, day in connection.execute(SQL["keep_anomalies"], parameters)}
    emit(*(_event(account_id, one) for one in found if (one.service, one.day) in new), on=connection)
    return new


def _event(account_id: str, found: FoundAnomaly) -> NewEvent:
    detail = {
        "accountId": account_id,
        "service": found.service,
        "day": found.day,
        "amount": text(found.amount),
        "baseline": text(found.finding.baseline),
        "currency": found.currency,
        "deviationPercent": text(found.finding.deviation_percent),
        "severity": found.finding.severity,
    }
    subject = f"{account_id} {found.service} {found.day}"[:200]
    return NewEvent(ANOMALY_DETECTED, subject, type="cost_collection", detail=detail)


def text(amount: Decimal) -> str:
    """The number in digits alone, as people and every JSON reader take it."""
    return format(amount, "f")
