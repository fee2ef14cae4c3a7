"""A report on some days: what each service cost, by day and in all, and what stood out.

In: a psycopg connection and how many days. Out: a `CostReport`, the same for terminal, PDF, CSV and JSON.
Amounts of different currencies are never added. Called by the command line.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, TextIO

import msgspec
import psycopg

from rowcrew.bundled.costs.kept import Why, text
from rowcrew.bundled.costs.statements import SQL

CSV_COLUMNS: Final = ("day", "account", "service", "amount", "currency", "estimated", "anomaly")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


class CostRow(msgspec.Struct, frozen=True, rename="camel"):
    """A row of costs; `severity` is that of its anomaly, if it is one."""

    day: date
    account_id: str
    service: str
    amount: Decimal
    currency: str
    estimated: bool
    severity: str | None


class AnomalyRow(msgspec.Struct, frozen=True, rename="camel"):
    """A row of "costAnomalies"."""

    id: int
    account_id: str
    service: str
    day: date
    amount: Decimal
    baseline: Decimal
    currency: str
    deviation_percent: Decimal
    severity: str
    why: Why


class ServiceCosts(msgspec.Struct, frozen=True, rename="camel"):
    """What a service cost in all accounts: by day, in all, and how many of its days stood out."""

    service: str
    days: list[Decimal]
    total: Decimal
    anomalies: int


class CurrencyCosts(msgspec.Struct, frozen=True, rename="camel"):
    """All costs in one currency, the dearest service first."""

    currency: str
    services: list[ServiceCosts]
    days: list[Decimal]
    total: Decimal


class CostReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What some days cost, and what stood out in them; both days count.

    Attributes:
        estimated_since: the first day of which AWS's figures are not final.
    """

    first: date
    last: date
    accounts: list[str]
    estimated_since: date | None
    currencies: list[CurrencyCosts]
    anomalies: list[AnomalyRow]


def cost_rows(
    connection: psycopg.Connection[Any], days: int, accounts: Sequence[str] | None = None
) -> tuple[date, date, list[CostRow]]:
    """So many days up to yesterday in UTC: the first, the last, and their rows."""
    ((last,),) = connection.execute(SQL["yesterday"])
    first = last - timedelta(days=days - 1)
    rows = connection.execute(SQL["report_costs"], _window(first, last, accounts))
    return first, last, [CostRow(*row) for row in rows]


def cost_report(
    connection: psycopg.Connection[Any], days: int, accounts: Sequence[str] | None = None
) -> CostReport:
    """The report on so many days up to yesterday in UTC."""
    first, last, rows = cost_rows(connection, days, accounts)
    found = connection.execute(SQL["report_anomalies"], _window(first, last, accounts))
    by_currency: dict[str, list[CostRow]] = defaultdict(list)
    for row in rows:
        by_currency[row.currency].append(row)
    every = [_currency_costs(currency, by_currency[currency], first, days) for currency in by_currency]
    return CostReport(
        first=first,
        last=last,
        accounts=sorted({row.account_id for row in rows}),
        estimated_since=min((row.day for row in rows if row.estimated), default=None),
        currencies=sorted(every, key=lambda one: (-len(one.services), one.currency)),
        anomalies=[_anomaly(row) for row in found],
    )


def write_csv(rows: Sequence[CostRow], file: TextIO) -> None:
    """One line a row of costs, the oldest day first."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in rows:
        names = (_harmless(row.account_id), _harmless(row.service))
        writer.writerow(
            (row.day, *names, text(row.amount), row.currency, str(row.estimated).lower(), row.severity or "")
        )


def _currency_costs(currency: str, rows: Sequence[CostRow], first: date, days: int) -> CurrencyCosts:
    amounts: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal()] * days)
    anomalies: Counter[str] = Counter()
    for row in rows:
        amounts[row.service][(row.day - first).days] += row.amount
        anomalies[row.service] += row.severity is not None
    services = [
        ServiceCosts(service, by_day, sum(by_day, Decimal()), anomalies[service])
        for service, by_day in amounts.items()
    ]
    services.sort(key=lambda one: (-one.total, one.service))
    by_day = [sum(each, Decimal()) for each in zip(*amounts.values(), strict=True)]
    return CurrencyCosts(currency, services, by_day, sum(by_day, Decimal()))


def _anomaly(row: Sequence[Any]) -> AnomalyRow:
    facts = dict(zip(AnomalyRow.__struct_fields__, row, strict=True))
    return AnomalyRow(**facts | {"why": msgspec.json.decode(facts["why"], type=Why)})


def _window(first: date, last: date, accounts: Sequence[str] | None) -> dict[str, Any]:
    return {"first": first, "last": last, "accounts": None if accounts is None else list(accounts)}


def _harmless(cell: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
