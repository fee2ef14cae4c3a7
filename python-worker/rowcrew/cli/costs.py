"""`rowcrew costs report`: what the cloud accounts cost, for a terminal, as PDF, CSV or JSON.

In: how many days, and which accounts. Out: bars, one a service; anomalies, with the reason if asked for.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter
from cyclopts.validators import Number

from rowcrew.cli import UsageError
from rowcrew.cli.accounts import connected
from rowcrew.cli.cost_lines import lines_of
from rowcrew.cli.options import AsJson
from rowcrew.cli.output import print_document
from rowcrew.model.counting import counted
from rowcrew.model.errors import RowcrewError

if TYPE_CHECKING:
    from rowcrew.bundled.costs.report import CostReport, CostRow

_WIDEST: Final = 120

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
    _tell_of_none(account or [], found.accounts if csv is None else [row.account_id for row in rows])
    if csv is not None:
        _write_csv(rows, csv)
    elif pdf is not None:
        _write_pdf(found, pdf)
    elif json:
        print_document(found)
    else:
        for line in lines_of(found, min(_WIDEST, shutil.get_terminal_size().columns), why=why):
            print(line)


def _tell_of_none(asked: Sequence[str], found: Sequence[str]) -> None:
    """A name that was mistyped would look like an account that costs nothing."""
    for id in sorted({*asked} - {*found}):
        print(
            f"There are no costs of {id} in these days; `rowcrew accounts list` shows those there are.",
            file=sys.stderr,
        )


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
