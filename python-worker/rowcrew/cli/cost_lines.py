"""The report on cloud costs in lines for a terminal: bars, one a service, and what stood out.

In: a `CostReport` and how many columns there are, 80 or more. Out: lines, none longer. Called by `costs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from rowcrew.cli.tables import is_coloured
from rowcrew.model.counting import counted
from rowcrew.model.terminal_text import one_line, width

if TYPE_CHECKING:
    from rowcrew.bundled.costs.report import AnomalyRow, CostReport, CurrencyCosts, ServiceCosts

_NAME_COLUMNS: Final = 30
_AMOUNT_COLUMNS: Final = 13
_SHARE_COLUMNS: Final = 7
_MARK_COLUMNS: Final = 5
_LEAST_BAR: Final = 4
_SPARK_WORDS: Final = 40
_MOST_SERVICES: Final = 15
_BARS: Final = "▁▂▃▄▅▆▇█"
_COLOURS: Final = {"critical": "31;1", "high": "31", "medium": "33", "low": "33"}


def lines_of(found: CostReport, columns: int, *, why: bool = False) -> Iterator[str]:
    """The report in lines of at most so many columns."""
    accounts = counted(len(found.accounts), "account")
    yield f"Cloud costs, {found.first} to {found.last}, {accounts}"
    if found.estimated_since is not None:
        yield f"Figures from {found.estimated_since} on are estimates, which AWS still corrects."
    for costs in found.currencies:
        yield from _of_currency(costs, columns)
    if not found.currencies:
        yield "Nothing was collected for these days: rowcrew enqueue cost_collection collects."
    if found.anomalies:
        yield ""
        yield f"{len(found.anomalies)} anomal{'y' if len(found.anomalies) == 1 else 'ies'}"
        for anomaly in found.anomalies:
            yield from _of_anomaly(anomaly, columns, why=why)


def _of_currency(costs: CurrencyCosts, columns: int) -> Iterator[str]:
    shown, rest = costs.services[:_MOST_SERVICES], costs.services[_MOST_SERVICES:]
    names = min(_NAME_COLUMNS, max(width(one.service) for one in shown))
    bars = max(_LEAST_BAR, columns - names - _AMOUNT_COLUMNS - _SHARE_COLUMNS - _MARK_COLUMNS - 4)
    dearest = max(abs(one.total) for one in shown)
    yield ""
    for one in shown:
        yield _service_line(one, costs, names=names, bars=bars, dearest=dearest)
    if rest:
        total = sum((one.total for one in rest), Decimal())
        yield _amount_line(f"{len(rest)} others", total, names, bars)
    yield _amount_line(f"total, {costs.currency}", costs.total, names, bars)
    low, high = min(costs.days), max(costs.days)
    days = _spark(costs.days[-max(_LEAST_BAR, columns - _SPARK_WORDS) :])
    yield f"by day  {days}  {low:,.2f} to {high:,.2f}"


def _service_line(one: ServiceCosts, costs: CurrencyCosts, *, names: int, bars: int, dearest: Decimal) -> str:
    """A bar in the service's proportion to the dearest one; a credit's is hollow."""
    filled = round(bars * abs(one.total) / dearest) if dearest else 0
    bar = ("█" if one.total >= 0 else "░") * max(filled, int(one.total != 0))
    share = f"{one.total / costs.total:.1%}" if costs.total > 0 else ""
    mark = _painted(f" ⚠ {one.anomalies}", "33") if one.anomalies else ""
    line = f"{_amount_line(one.service, one.total, names, bars, bar)} {share:>{_SHARE_COLUMNS}}"
    return f"{line}{mark}".rstrip()


def _amount_line(name: str, amount: Decimal, names: int, bars: int, bar: str = "") -> str:
    text = f"{amount:,.2f}"
    return f"{_fitted(name, names)}  {bar:{bars}} {text:>{_AMOUNT_COLUMNS}}"


def _of_anomaly(one: AnomalyRow, columns: int, *, why: bool) -> Iterator[str]:
    head = f"{one.day}  {one.severity:8}  "
    tail = f"  {one.amount:,.2f} {one.currency}, {one.deviation_percent:+,.0f} % from {one.baseline:,.2f}"
    who = _fitted(f"{one.account_id}: {one.service}", max(12, columns - len(head) - len(tail)))
    yield _painted(head, _COLOURS[one.severity]) + who.rstrip() + tail
    if why:
        yield from _reasons(one, columns)


def _reasons(one: AnomalyRow, columns: int) -> Iterator[str]:
    low, high = Decimal(one.why.low), Decimal(one.why.high)
    days = [*map(Decimal, one.why.days.values()), one.amount]
    yield f"    {one.why.rule}"
    yield f"    outside of {low:,.2f} to {high:,.2f}  {_spark(days)} ◂ the day"
    for each in (one.why.usage_types or [])[:5]:
        amount, before = Decimal(each.amount), Decimal(each.week_before)
        tail = f"  {amount:,.2f} ({each.share:.0%}), {before:,.2f} a day before"
        yield f"    {_fitted(each.usage_type, columns - len(tail) - 4).rstrip()}{tail}"


def _spark(amounts: Sequence[Decimal]) -> str:
    """A bar of eight heights for each amount; what is not above zero has the lowest."""
    highest = max(*amounts, Decimal())
    steps = len(_BARS) - 1
    return "".join(_BARS[max(0, round(steps * each / highest)) if highest else 0] for each in amounts)


def _fitted(text: str, columns: int) -> str:
    text = one_line(text)
    if width(text) > columns:
        while width(text) > columns - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (columns - width(text))


def _painted(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if is_coloured() else text
