"""`rowcrew costs report`: what the cloud accounts cost, for a terminal, as PDF, CSV or JSON.

In: how many days, and which accounts. Out: bars, one a service; anomalies, with the reason if asked for.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter
from cyclopts.validators import Number

from rowcrew.cli import UsageError
from rowcrew.cli.accounts import connected
from rowcrew.cli.options import AsJson
from rowcrew.cli.output import one_line, print_document
from rowcrew.cli.tables import is_coloured, width
from rowcrew.model.counting import counted
from rowcrew.model.errors import RowcrewError

if TYPE_CHECKING:
    from rowcrew.bundled.costs.report import AnomalyRow, CostReport, CostRow, CurrencyCosts, ServiceCosts

_WIDEST: Final = 120
_NAME_COLUMNS: Final = 30
_AMOUNT_COLUMNS: Final = 13
_SHARE_COLUMNS: Final = 7
_MARK_COLUMNS: Final = 5
_MOST_SERVICES: Final = 15
_BARS: Final = "▁▂▃▄▅▆▇█"
_COLOURS: Final = {"critical": "31;1", "high": "31", "medium": "33", "low": "33"}

costs = App(name="costs", help="What the cloud accounts cost, and what stands out.")


@costs.command
def report(
    *,
    days: Annotated[int, Parameter(validator=Number(gte=1, lte=400), help="How many, up to yesterday.")] = 30,
    account: Annotated[list[str] | None, Parameter(help="Only this account; repeatable.")] = None,
    why: Annotated[bool, Parameter(help="Show what each anomaly was found by.")] = False,
    pdf: Annotated[Path | None, Parameter(help="Write the report as PDF to this file.")] = None,
    csv: Annotated[
        Path | None,
        Parameter(allow_leading_hyphen=True, help="Write every row to this file; - is standard output."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Show what the services cost in the last days, and which days stand out.

    Days are those of AWS, in UTC. Amounts of different currencies stand apart.
    """
    from rowcrew.bundled.costs.report import cost_report, cost_rows

    if sum((why, pdf is not None, csv is not None, json)) > 1:
        raise UsageError("give one of --why, --pdf, --csv and --json")
    with connected("costs report") as connection:
        if csv is not None:
            _, _, rows = cost_rows(connection, days, account)
        else:
            found = cost_report(connection, days, account)
    if csv is not None:
        _write_csv(rows, csv)
    elif pdf is not None:
        _write_pdf(found, pdf)
    elif json:
        print_document(found)
    else:
        for line in lines_of(found, min(_WIDEST, shutil.get_terminal_size().columns), why=why):
            print(line)


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
    bars = columns - names - _AMOUNT_COLUMNS - _SHARE_COLUMNS - _MARK_COLUMNS - 4
    dearest = max(abs(one.total) for one in shown)
    yield ""
    for one in shown:
        yield _service_line(one, costs, names=names, bars=bars, dearest=dearest)
    if rest:
        total = sum((one.total for one in rest), Decimal())
        yield _amount_line(f"{len(rest)} others", total, names, bars)
    yield _amount_line(f"total, {costs.currency}", costs.total, names, bars)
    low, high = min(costs.days), max(costs.days)
    yield f"by day  {_spark(costs.days[-(columns - 40) :])}  {low:,.2f} to {high:,.2f}"


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


def _write_csv(rows: Sequence[CostRow], file: Path) -> None:
    from rowcrew.bundled.costs.report import write_csv

    if str(file) == "-":
        write_csv(rows, sys.stdout)
        return
    with file.open("w", encoding="utf-8", newline="") as opened:
        write_csv(rows, opened)
    print(f"{counted(len(rows), 'row')} written to {file}")


def _write_pdf(found: CostReport, file: Path) -> None:
    from rowcrew.bundled.costs.report_document import document_of
    from rowcrew.bundled.documents.look import LOOKS
    from rowcrew.bundled.documents.number_format import NumberFormat

    try:
        from rowcrew.bundled.documents.paper.pages import printed
        from rowcrew.bundled.documents.paper.sheet import Paper
    except ModuleNotFoundError as error:
        raise RowcrewError("--pdf needs reportlab: install it with pip install 'rowcrew[reports]'") from error
    document = document_of(found)
    paper = Paper(look=LOOKS["board"], numbers=NumberFormat("en-US", document.currency), page_size="A4")
    content, pages = printed(document, paper, lambda _page, _pages: None)
    file.write_bytes(content)
    print(f"{counted(pages, 'page')} written to {file}")
