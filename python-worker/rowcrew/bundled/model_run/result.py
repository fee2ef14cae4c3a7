"""The result of `model_run`: the figures of each scenario, rounded, and the table that compares them.

In: months and ratios as the engine gives them. Out: the Structs that a result is made of; other families read
results with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from rowcrew.bundled.files.blobs import Blob
from rowcrew.bundled.model_run.saas_model import (
    Month,
)
from rowcrew.bundled.model_run.saas_ratios import LineRatios, Ratios

S = TypeVar("S", bound=msgspec.Struct)


class MonthRow(Month, frozen=True, kw_only=True):
    """A month with its name in the calendar, like `2027-01`."""

    period: str


class Scenario(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one scenario leads to."""

    summary: Ratios
    lines: list[LineRatios]
    monthly: list[MonthRow]


class Comparison(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A scenario's row in the table that compares them."""

    scenario: str
    closing_cash: float
    total_revenue: float
    total_ebitda: float
    arr: float
    burn_rate: float
    runway_months: float | None
    cash_out_month: int | None
    break_even_month: int | None
    ltv_to_cac: float | None
    npv: float
    irr: float | None


class RunFacts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What stands in every result; `modelRunId`, the row's id in "modelRuns", joins it there."""

    model_id: str
    inputs_hash: str
    engine_version: int
    arithmetic: str
    currency: str
    start_month: str
    months: int
    comparison: list[Comparison]


class RunResult(RunFacts, frozen=True, kw_only=True):
    """The result."""

    scenarios: dict[str, Scenario]


class StoredResult(RunFacts, frozen=True, kw_only=True):
    """The result where it is larger than 256 KB: the file under `key` holds the `RunResult`."""

    key: str
    sha256: str
    size: int = msgspec.field(name="bytes")
    content_type: str | None


def month_row(month: Month, start_month: str) -> MonthRow:
    figures = msgspec.structs.asdict(rounded(month))
    return MonthRow(**figures, period=period(start_month, month.month))


def period(start_month: str, month: int) -> str:
    """The calendar month of a month of the model, counted from 1."""
    year, first = map(int, start_month.split("-"))
    months = year * 12 + first - 1 + month - 1
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


def compared(scenario: str, summary: Ratios) -> Comparison:
    columns = [name for name in Comparison.__struct_fields__ if name != "scenario"]
    return Comparison(scenario=scenario, **{name: getattr(summary, name) for name in columns})


# Digits after the point of what is no amount of money.
_DIGITS: Final[Mapping[str, int]] = {
    "customers": 4,
    "new_customers": 4,
    "lost_customers": 4,
    "steady_customers": 4,
    "arpa": 4,
    "churn_rate": 8,
    "gross_margin": 8,
    "runway_months": 4,
    "naive_runway_months": 4,
    "ltv_to_cac": 4,
    "payback_months": 4,
    "irr": 8,
    "irr_monthly": 10,
}
_CENTS: Final = 2


def rounded(figures: S) -> S:
    """The figures as a result shows them: rounded half to even, and zero without a sign."""
    values = {
        name: round(value, _DIGITS.get(name, _CENTS)) + 0.0
        for name, value in msgspec.structs.asdict(figures).items()
        if isinstance(value, float)
    }
    return msgspec.structs.replace(figures, **values)


def stored_result(result: RunResult, file: Blob) -> StoredResult:
    facts = {name: getattr(result, name) for name in RunFacts.__struct_fields__}
    return StoredResult(**facts, **msgspec.structs.asdict(file))
