"""The tables of a report on a `model_run`.

In: the result, its scenarios in order, and the words of the report. Out: `Table`s of a document. Figures are
the result's, never computed anew, but for sums over twelve months. Called by `report`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rowcrew.bundled.documents.document import Column, Table
from rowcrew.bundled.documents.number_format import NOT_APPLICABLE
from rowcrew.bundled.exports.wording import Wording
from rowcrew.bundled.model_run.result import Comparison, MonthRow, RunResult, Scenario

_YEAR: Final = 12


class Tables:
    """The tables of reports on one run, whose scenarios are these; `base` is the first."""

    def __init__(self, result: RunResult, names: Sequence[str], wording: Wording) -> None:
        self._result = result
        self._names = names
        self._wording = wording
        self._numbers = wording.numbers
        self._base: Scenario = result.scenarios[names[0]]

    def years(self) -> Table:
        months = self._base.monthly
        years = [months[start : start + _YEAR] for start in range(0, len(months), _YEAR)]
        columns = (
            Column(label="Months", format="text"),
            *(
                Column(label=label, format="number", decimals=self._numbers.cents)
                for label in ("Revenue", "Gross profit", "Opex", "EBITDA", "Cash flow", "Closing cash")
            ),
        )
        rows = tuple(self._year_row(year) for year in years)
        return Table(title=f"Year by year, {self._result.currency}", columns=columns, rows=rows)

    def _year_row(self, year: Sequence[MonthRow]) -> tuple[str | float, ...]:
        return (
            self._wording.span(year),
            sum(month.revenue for month in year),
            sum(month.gross_profit for month in year),
            sum(month.opex for month in year),
            sum(month.ebitda for month in year),
            sum(month.cash_flow for month in year),
            year[-1].cash,
        )

    def comparison(self) -> Table:
        columns = (
            Column(label="", format="text"),
            *(Column(label=name, format="number") for name in self._names),
        )
        rows = tuple(
            (label, *(write(row) for row in self._result.comparison)) for label, write in self._comparisons()
        )
        return Table(title=f"Amounts in {self._result.currency}", columns=columns, rows=rows)

    def _comparisons(self) -> list[tuple[str, Callable[[Comparison], str]]]:
        return [
            ("Closing cash", lambda row: self._amount(row.closing_cash)),
            ("Total revenue", lambda row: self._amount(row.total_revenue)),
            ("Total EBITDA", lambda row: self._amount(row.total_ebitda)),
            ("Annual recurring revenue", lambda row: self._amount(row.arr)),
            ("Monthly burn", lambda row: self._amount(row.burn_rate)),
            ("Runway, months", lambda row: self._decimal(row.runway_months)),
            ("Cash out in", lambda row: self._when(row.cash_out_month)),
            ("Break-even in", lambda row: self._when(row.break_even_month)),
            ("LTV : CAC", lambda row: self._decimal(row.ltv_to_cac)),
            ("Net present value", lambda row: self._amount(row.npv)),
            ("Internal rate of return", lambda row: self._rate(row.irr)),
        ]

    def revenue_lines(self) -> Table | None:
        if not self._base.lines:
            return None
        cents = self._numbers.cents
        columns = (
            Column(label="Line", format="text"),
            Column(label="Customers", decimals=0, format="number"),
            Column(label="Revenue per customer", decimals=cents, format="number"),
            Column(label="Churn a month", format="percent", decimals=2),
            Column(label="ARR", decimals=cents, format="number"),
            Column(label="LTV", decimals=cents, format="number"),
            Column(label="LTV:CAC", decimals=2, format="number"),
            Column(label="Payback, months", decimals=1, format="number"),
        )
        rows = tuple(
            (
                line.name,
                line.customers,
                line.arpa,
                line.churn_rate,
                line.arr,
                line.ltv,
                line.ltv_to_cac,
                line.payback_months,
            )
            for line in self._base.lines
        )
        return Table(title=f"Revenue lines, {self._result.currency}", columns=columns, rows=rows)

    def monthly(self, scenario: Scenario) -> Table:
        cents = self._numbers.cents
        amounts = ("Revenue", "Cost of sales", "Opex", "EBITDA", "Tax", "Cash flow", "Cash")
        columns = (
            Column(label="Month", format="text"),
            Column(label="Customers", decimals=0, format="number"),
            *(Column(label=label, decimals=cents, format="number") for label in amounts),
        )
        rows = tuple(
            (
                self._wording.period(month.period),
                month.customers,
                month.revenue,
                month.cogs,
                month.opex,
                month.ebitda,
                month.tax,
                month.cash_flow,
                month.cash,
            )
            for month in scenario.monthly
        )
        return Table(title=f"Amounts in {self._result.currency}", columns=columns, rows=rows)

    def _amount(self, value: float) -> str:
        return self._numbers.number(value, self._numbers.cents)

    def _decimal(self, value: float | None) -> str:
        return NOT_APPLICABLE if value is None else self._numbers.number(value, 2)

    def _rate(self, value: float | None) -> str:
        """A rate per year; below -100 % it says nothing to anybody."""
        return NOT_APPLICABLE if value is None or value < -1 else self._numbers.percent(value, 1)

    def _when(self, month: int | None) -> str:
        return NOT_APPLICABLE if month is None else self._wording.period(self._base.monthly[month - 1].period)
