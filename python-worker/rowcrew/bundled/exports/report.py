"""Turns the result of a `model_run` into a document, as its template tells it.

In: the result, a template and how numbers are written. Out: a `Document`. `board` shows all, month by month;
`investor` tells the story in charts and years; `plain` is the tables. Figures are the result's, never
computed anew, but for sums over twelve months.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rowcrew.bundled.documents.document import (
    Chart,
    ChartType,
    Column,
    Document,
    Figure,
    Section,
    Series,
    Table,
)
from rowcrew.bundled.documents.look import Template
from rowcrew.bundled.documents.number_format import NOT_APPLICABLE, NumberFormat
from rowcrew.bundled.model_run.result import Comparison, MonthRow, RunResult, Scenario
from rowcrew.bundled.model_run.saas_ratios import Ratios

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TITLES: Final[dict[Template, str]] = {
    "board": "Board report",
    "investor": "Investor report",
    "plain": "Model report",
}
_MOST_LINES: Final = 8
_YEAR: Final = 12


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
        self._numbers = numbers
        # Not the keys of `scenarios`: jsonb puts shorter names first.
        self._names = [row.scenario for row in result.comparison]
        self._base: Scenario = result.scenarios[self._names[0]]

    @property
    def span(self) -> str:
        """The first and last month."""
        return self._span(self._base.monthly)

    def board(self) -> list[Section]:
        return [
            Section(
                heading="At a glance",
                figures=self._money_figures(),
                text=self._outlook(),
                chart=self._cash_chart(),
            ),
            Section(heading="Unit economics", figures=self._unit_figures(), table=self._revenue_lines()),
            Section(heading="Revenue and EBITDA", chart=self._result_chart(), table=self._years()),
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
                table=self._revenue_lines(),
            ),
            Section(
                heading="Path to profitability",
                text=self._break_even(),
                chart=self._result_chart(),
                table=self._years(),
            ),
            Section(heading="Cash and runway", new_page=True, text=self._runway(), chart=self._cash_chart()),
            *self._comparison(),
        ]

    def plain(self) -> list[Section]:
        return [
            Section(heading="Summary", figures=self._money_figures() + self._unit_figures()),
            Section(heading="Years", table=self._years()),
            *self._comparison(),
            *self._lines(),
            *self._monthly(),
        ]

    def _lines(self) -> list[Section]:
        table = self._revenue_lines()
        return [] if table is None else [Section(heading="Revenue lines", table=table)]

    def _money_figures(self) -> tuple[Figure, ...]:
        summary, last = self._base.summary, self._period(self._base.monthly[-1].period)
        return (
            Figure(label="Annual recurring revenue", value=summary.arr, format="money", decimals=0,
                note=last,),
            Figure(label="Cash", value=summary.closing_cash, format="money", decimals=0, note=last),
            Figure(
                label="Monthly burn", value=summary.burn_rate, format="money", decimals=0,
                note="mean of the last 3 months",
            ),
            Figure(label="Runway", value=self._months(summary.runway_months), note=self._cash_out(summary)),
        )  # fmt: skip

    def _unit_figures(self) -> tuple[Figure, ...]:
        summary = self._base.summary
        return (
            Figure(label="Gross margin", value=summary.gross_margin, format="percent"),
            Figure(label="Lifetime value", value=summary.ltv, format="money", note="per customer"),
            Figure(label="LTV : CAC", value=summary.ltv_to_cac, decimals=2),
            Figure(label="CAC payback", value=self._months(summary.payback_months)),
        )

    def _outlook(self) -> str:
        scenario = f"All figures are those of the scenario {self._names[0]}, unless another is named."
        return f"{self._runway()} {self._break_even()}\n\n{scenario}"

    def _runway(self) -> str:
        summary = self._base.summary
        if summary.runway_months is None or summary.cash_out_month is None:
            last = self._period(self._base.monthly[-1].period)
            return f"Cash lasts beyond {last}, the last month of the model."
        when = self._period(self._base.monthly[summary.cash_out_month - 1].period)
        if summary.runway_months == 0:
            return f"There is no cash to begin with: {when} ends below zero."
        return (
            f"Cash lasts {self._months(summary.runway_months)}: {when} is the first month to end below zero."
        )

    def _break_even(self) -> str:
        month = self._base.summary.break_even_month
        if month is None:
            return f"EBITDA stays negative throughout {self.span}."
        return f"EBITDA reaches break-even in {self._period(self._base.monthly[month - 1].period)}."

    def _cash_out(self, summary: Ratios) -> str:
        if summary.cash_out_month is None:
            return f"cash stays positive for {self._months_whole()}"
        when = self._period(self._base.monthly[summary.cash_out_month - 1].period)
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
        return self._chart("line", f"Cash at the end of the month, by scenario{shown}", series)

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
        return tuple(self._period(month.period, short=True) for month in self._base.monthly)

    def _years(self) -> Table:
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
            self._span(year),
            sum(month.revenue for month in year),
            sum(month.gross_profit for month in year),
            sum(month.opex for month in year),
            sum(month.ebitda for month in year),
            sum(month.cash_flow for month in year),
            year[-1].cash,
        )

    def _comparison(self) -> list[Section]:
        if len(self._names) == 1:
            return []
        columns = (
            Column(label="", format="text"),
            *(Column(label=name, format="number") for name in self._names),
        )
        rows = tuple(
            (label, *(write(row) for row in self._result.comparison)) for label, write in self._comparisons()
        )
        table = Table(title=f"Amounts in {self._result.currency}", columns=columns, rows=rows)
        return [Section(heading="Scenarios compared", table=table)]

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

    def _revenue_lines(self) -> Table | None:
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

    def _monthly(self) -> list[Section]:
        return [
            Section(
                heading=f"Month by month: {name}",
                new_page=True,
                table=self._monthly_table(self._result.scenarios[name]),
            )
            for name in self._names
        ]

    def _monthly_table(self, scenario: Scenario) -> Table:
        cents = self._numbers.cents
        amounts = ("Revenue", "Cost of sales", "Opex", "EBITDA", "Tax", "Cash flow", "Cash")
        columns = (
            Column(label="Month", format="text"),
            Column(label="Customers", decimals=0, format="number"),
            *(Column(label=label, decimals=cents, format="number") for label in amounts),
        )
        rows = tuple(
            (
                self._period(month.period),
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

    def _period(self, period: str, *, short: bool = False) -> str:
        """`2027-01` as readers of the locale know it; other languages keep the ISO form."""
        if not self._numbers.locale.startswith("en"):
            return period
        year, month = period.split("-")
        return f"{_MONTHS[int(month) - 1]} {year[-2:] if short else year}"

    def _span(self, months: Sequence[MonthRow]) -> str:
        first, last = self._period(months[0].period), self._period(months[-1].period)
        return first if len(months) == 1 else f"{first} to {last}"

    def _months(self, months: float | None) -> str:
        if months is None:
            return NOT_APPLICABLE
        text = self._numbers.number(months, 1)
        return f"{text} month" if months == 1 else f"{text} months"

    def _amount(self, value: float) -> str:
        return self._numbers.number(value, self._numbers.cents)

    def _decimal(self, value: float | None) -> str:
        return NOT_APPLICABLE if value is None else self._numbers.number(value, 2)

    def _rate(self, value: float | None) -> str:
        """A rate per year; below -100 % it says nothing to anybody."""
        return NOT_APPLICABLE if value is None or value < -1 else self._numbers.percent(value, 1)

    def _when(self, month: int | None) -> str:
        return NOT_APPLICABLE if month is None else self._period(self._base.monthly[month - 1].period)
