"""The report on cloud costs as a document, which `documents` prints.

In: a `CostReport`. Out: a `Document`: each currency with its figures, days and services, then every anomaly
with the days before it and what it consists of. Called by `rowcrew costs report --pdf`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

from rowcrew.bundled.costs.report import AnomalyRow, CostReport, CurrencyCosts
from rowcrew.bundled.documents.document import Chart, Column, Document, Figure, Section, Series, Table

_MOST_SERIES: Final = 6
_MOST_EXPLAINED: Final = 60
_CENTS: Final = 2


def document_of(report: CostReport) -> Document:
    """The report as a document."""
    sections = [section for costs in report.currencies for section in _of_currency(costs, report)]
    if not sections:
        sections = [Section(heading="No costs", text="Nothing was collected for these days.")]
    return Document(
        title="Cloud costs",
        subtitle=f"{report.first} to {report.last}, {', '.join(report.accounts) or 'no accounts'}"[:300],
        sections=(*sections, *_anomalies(report)),
    )


def _of_currency(costs: CurrencyCosts, report: CostReport) -> Iterator[Section]:
    days = len(costs.days)
    anomalies = sum(one.anomalies for one in costs.services)
    dearest = costs.services[0]
    yield Section(
        heading=f"Costs in {costs.currency}",
        figures=(
            _figure("Total", costs.total, f"{days} days"),
            _figure("A day", costs.total / days, "on average"),
            Figure(
                label="Dearest service",
                value=dearest.service[:300],
                note=_percent(_share(dearest.total, costs)),
            ),
            Figure(label="Anomalies", value=anomalies, decimals=0),
        ),
        text=_estimates(report),
        chart=_days_chart(costs, report),
    )
    yield Section(heading=f"Services in {costs.currency}", table=_services(costs))


def _figure(label: str, value: Decimal, note: str) -> Figure:
    return Figure(label=label, value=float(value), decimals=_CENTS, note=note)


def _estimates(report: CostReport) -> str:
    if report.estimated_since is None:
        return ""
    return f"Figures from {report.estimated_since} on are estimates, which AWS still corrects."


def _days_chart(costs: CurrencyCosts, report: CostReport) -> Chart:
    """The days as bars of their dearest services; a credit is below zero."""
    shown, rest = costs.services[:_MOST_SERIES], costs.services[_MOST_SERIES:]
    series = [Series(name=one.service[:300], values=tuple(map(float, one.days))) for one in shown]
    if rest:
        others = tuple(float(sum(day, Decimal())) for day in zip(*(one.days for one in rest), strict=True))
        series.append(Series(name=f"{len(rest)} others", values=others))
    days = (report.first + timedelta(days=number) for number in range(len(costs.days)))
    return Chart(
        type="stackedBar",
        title=f"By day, {costs.currency}",
        categories=tuple(f"{day:%m-%d}" for day in days),
        series=tuple(series),
    )


def _services(costs: CurrencyCosts) -> Table:
    columns = (
        Column(label="Service", format="text"),
        Column(label="Amount", format="number", decimals=_CENTS),
        Column(label="Share", format="percent", decimals=1),
        Column(label="A day", format="number", decimals=_CENTS),
        Column(label="Anomalies", format="text"),
    )
    rows: list[tuple[str | float | None, ...]] = [
        (
            one.service,
            float(one.total),
            _share(one.total, costs),
            float(one.total / len(one.days)),
            str(one.anomalies or ""),
        )
        for one in costs.services
    ]
    whole = (float(costs.total), _share(costs.total, costs), float(costs.total / len(costs.days)), "")
    return Table(columns=columns, rows=(*rows, ("Total", *whole)), bold_rows=(len(rows),))


def _share(part: Decimal, costs: CurrencyCosts) -> float | None:
    return float(part / costs.total) if costs.total > 0 else None


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _anomalies(report: CostReport) -> Iterator[Section]:
    if not report.anomalies:
        return
    columns = (
        *(Column(label=label, format="text") for label in ("Day", "Severity", "Account", "Service")),
        *(Column(label=label, format="number", decimals=_CENTS) for label in ("Amount", "Baseline")),
        *(Column(label=label, format="text") for label in ("Currency", "Deviation")),
    )
    table = Table(columns=columns, rows=_rows(report.anomalies))
    yield Section(heading="Anomalies", new_page=True, table=table)
    for anomaly in report.anomalies[:_MOST_EXPLAINED]:
        yield _explained(anomaly)


def _rows(anomalies: Sequence[AnomalyRow]) -> tuple[tuple[str | float, ...], ...]:
    return tuple(
        (
            str(one.day),
            one.severity,
            one.account_id,
            one.service,
            float(one.amount),
            float(one.baseline),
            one.currency,
            f"{one.deviation_percent:+,.0f} %",
        )
        for one in anomalies
    )


def _explained(one: AnomalyRow) -> Section:
    why = one.why
    days = [*why.days.items(), (str(one.day), str(one.amount))]
    low, high = (float(Decimal(bound)) for bound in (why.low, why.high))
    table = None
    if why.usage_types:
        columns = (
            Column(label="Usage type", format="text"),
            Column(label="Amount", format="number", decimals=_CENTS),
            Column(label="Share", format="percent", decimals=1),
            Column(label="A day, week before", format="number", decimals=_CENTS),
        )
        rows = tuple(
            (each.usage_type, float(Decimal(each.amount)), each.share, float(Decimal(each.week_before)))
            for each in why.usage_types
        )
        table = Table(columns=columns, rows=rows)
    return Section(
        heading=f"{one.service}, {one.account_id}, {one.day}"[:300],
        text=f"{float(one.amount):,.2f} {one.currency} is outside of {low:,.2f} to {high:,.2f}:"
        f" {why.rule}, which is {float(one.baseline):,.2f}.",
        chart=Chart(
            type="bar",
            title=f"The days before, and the day, {one.currency}",
            categories=tuple(day[5:] for day, _ in days),
            series=(Series(name=one.service[:300], values=tuple(float(Decimal(each)) for _, each in days)),),
        ),
        table=table,
    )
