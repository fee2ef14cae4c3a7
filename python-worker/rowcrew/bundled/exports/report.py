"""Turns the result of a `model_run` into a document, as its template tells it.

In: the result, a template and how numbers are written. Out: a `Document`. `board` shows all, month by month;
`investor` tells the story in charts and years; `plain` is the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rowcrew.bundled.documents.document import (
    Chart,
    ChartType,
    Document,
    Figure,
    Section,
    Series,
)
from rowcrew.bundled.documents.look import Template
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.exports.report_tables import Tables
from rowcrew.bundled.exports.wording import Wording
from rowcrew.bundled.model_run.result import MonthRow, RunResult, Scenario
from rowcrew.bundled.model_run.saas_ratios import Ratios

_TITLES: Final[dict[Template, str]] = {
    "board": "Board report",
    "investor": "Investor report",
    "plain": "Model report",
}
_MOST_LINES: Final = 8


def document_of(result: RunResult, template: Template, numbers: NumberFormat) -> Document:
    """The report on a run of a model."""
    report = Report(result, numbers)
    sections = {"board": report.board, "investor": report.investor, "plain": report.plain}[template]
    return Document(
        title=result.model_id,
        subtitle=f"{_TITLES[template]} · {report.span} · {result.currency}",
        footer=f"{result.model_id} · engine {result.engine_version} · inputs {result.inputs_hash[:12]}",
        currency=result.currency,
        sections=tuple(sections()),
    )


class Report:
    """The sections of reports on one run. `base` is its first scenario."""

    def __init__(self, result: RunResult, numbers: NumberFormat) -> None:
        self._result = result
        self._wording = Wording(numbers)
        # Not the keys of `scenarios`: jsonb puts shorter names first.
        self._names = [row.scenario for row in result.comparison]
        self._base: Scenario = result.scenarios[self._names[0]]
        self._tables = Tables(result, self._names, self._wording)

    @property
    def span(self) -> str:
        """The first and last month."""
        return self._wording.span(self._base.monthly)

    def board(self) -> list[Section]:
        return [
            Section(
                heading="At a glance",
                figures=self._money_figures(),
                text=self._outlook(),
                chart=self._cash_chart(),
            ),
            Section(
                heading="Unit economics", figures=self._unit_figures(), table=self._tables.revenue_lines()
            ),
            Section(heading="Revenue and EBITDA", chart=self._result_chart(), table=self._tables.years()),
            *self._comparison(),
            *self._monthly(),
        ]

    def investor(self) -> list[Section]:
        return [
            Section(
                heading="Highlights",
                figures=self._money_figures(),
                text=self._outlook(),
                chart=self._revenue_chart(),
            ),
            Section(
                heading="Unit economics",
                figures=self._unit_figures(),
                chart=self._customers_chart(),
                table=self._tables.revenue_lines(),
            ),
            Section(
                heading="Path to profitability",
                text=self._break_even(),
                chart=self._result_chart(),
                table=self._tables.years(),
            ),
            Section(heading="Cash and runway", new_page=True, text=self._runway(), chart=self._cash_chart()),
            *self._comparison(),
        ]

    def plain(self) -> list[Section]:
        return [
            Section(heading="Summary", figures=self._money_figures() + self._unit_figures()),
            Section(heading="Years", table=self._tables.years()),
            *self._comparison(),
            *self._lines(),
            *self._monthly(),
        ]

    def _comparison(self) -> list[Section]:
        if len(self._names) == 1:
            return []
        return [Section(heading="Scenarios compared", table=self._tables.comparison())]

    def _lines(self) -> list[Section]:
        table = self._tables.revenue_lines()
        return [] if table is None else [Section(heading="Revenue lines", table=table)]

    def _money_figures(self) -> tuple[Figure, ...]:
        summary, last = self._base.summary, self._wording.period(self._base.monthly[-1].period)
        return (
            Figure(label="Annual recurring revenue", value=summary.arr, format="money", decimals=0,
                note=last,),
            Figure(label="Cash", value=summary.closing_cash, format="money", decimals=0, note=last),
            Figure(
                label="Monthly burn", value=summary.burn_rate, format="money", decimals=0,
                note="mean of the last 3 months",
            ),
            Figure(
                label="Runway", value=self._wording.months(summary.runway_months),
                note=self._cash_out(summary),
            ),
        )  # fmt: skip

    def _unit_figures(self) -> tuple[Figure, ...]:
        summary = self._base.summary
        return (
            Figure(label="Gross margin", value=summary.gross_margin, format="percent"),
            Figure(label="Lifetime value", value=summary.ltv, format="money", note="per customer"),
            Figure(label="LTV : CAC", value=summary.ltv_to_cac, decimals=2),
            Figure(label="CAC payback", value=self._wording.months(summary.payback_months)),
        )

    def _outlook(self) -> str:
        if len(self._names) == 1:
            return f"{self._runway()} {self._break_even()}"
        scenario = f"All figures are those of the scenario {self._names[0]}, unless another is named."
        return f"{self._runway()} {self._break_even()}\n\n{scenario}"

    def _runway(self) -> str:
        summary = self._base.summary
        if summary.runway_months is None or summary.cash_out_month is None:
            last = self._wording.period(self._base.monthly[-1].period)
            return f"Cash lasts beyond {last}, the last month of the model."
        when = self._wording.period(self._base.monthly[summary.cash_out_month - 1].period)
        if summary.runway_months == 0:
            return f"There is no cash to begin with: {when} ends below zero."
        lasts = self._wording.months(summary.runway_months)
        return f"Cash lasts {lasts}: {when} is the first month to end below zero."

    def _break_even(self) -> str:
        month = self._base.summary.break_even_month
        if month is None:
            return f"EBITDA stays negative throughout {self.span}."
        return f"EBITDA reaches break-even in {self._wording.period(self._base.monthly[month - 1].period)}."

    def _cash_out(self, summary: Ratios) -> str:
        if summary.cash_out_month is None:
            return f"cash stays positive for {self._months_whole()}"
        when = self._wording.period(self._base.monthly[summary.cash_out_month - 1].period)
        return f"below zero in {when}"

    def _months_whole(self) -> str:
        return "the month" if self._result.months == 1 else f"{self._result.months} months"

    def _cash_chart(self) -> Chart:
        names = self._names[:_MOST_LINES]
        series = tuple(
            Series(name=name, values=tuple(month.cash for month in self._result.scenarios[name].monthly))
            for name in names
        )
        shown = f" ({len(names)} of {len(self._names)})" if len(names) < len(self._names) else ""
        by_scenario = f", by scenario{shown}" if len(self._names) > 1 else ""
        return self._chart("line", f"Cash at the end of the month{by_scenario}", series)

    def _revenue_chart(self) -> Chart:
        return self._chart("area", "Monthly revenue", (self._series("Revenue", lambda month: month.revenue),))

    def _result_chart(self) -> Chart:
        series = (
            self._series("Revenue", lambda month: month.revenue),
            self._series("EBITDA", lambda month: month.ebitda),
        )
        return self._chart("bar", "Revenue and EBITDA, by month", series)

    def _customers_chart(self) -> Chart:
        series = (self._series("Customers", lambda month: month.customers),)
        categories = self._categories()
        title = "Customers at the end of the month"
        return Chart(type="area", title=title, categories=categories, series=series)

    def _series(self, name: str, figure: Callable[[MonthRow], float]) -> Series:
        return Series(name=name, values=tuple(figure(month) for month in self._base.monthly))

    def _chart(self, type: ChartType, title: str, series: tuple[Series, ...]) -> Chart:
        title = f"{title}, {self._result.currency}"
        return Chart(type=type, title=title, categories=self._categories(), series=series, format="money")

    def _categories(self) -> tuple[str, ...]:
        return tuple(self._wording.period(month.period, short=True) for month in self._base.monthly)

    def _monthly(self) -> list[Section]:
        return [
            Section(
                heading=f"Month by month: {name}",
                new_page=True,
                table=self._tables.monthly(self._result.scenarios[name]),
            )
            for name in self._names
        ]
