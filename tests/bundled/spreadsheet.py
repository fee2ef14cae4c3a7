"""The model of `model_run` once more, as a spreadsheet with formulas that LibreOffice calculates.

In: a payload. Out: every month's figures, as the cells of the sheet `Months` hold them. Nothing here comes
from the engine: the formulas are written from the documented equations.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import openpyxl
import pytest
from openpyxl.utils import get_column_letter

from rowcrew.bundled.model_run.payload import ModelRun

SOFFICE: Final = shutil.which("soffice")
# Comma, double quote, UTF-8, from row 1; numbers in full instead of as shown; all sheets.
FILTER: Final = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"

needs_libreoffice = pytest.mark.skipif(
    SOFFICE is None, reason="LibreOffice is not installed: nobody recalculates the model as a spreadsheet"
)


def calculated(payload: ModelRun, directory: Path) -> list[dict[str, float]]:
    """The months as LibreOffice calculates them."""
    assert SOFFICE is not None
    book = directory / "model.xlsx"
    workbook(payload).save(book)
    profile = f"-env:UserInstallation={(directory / 'profile').as_uri()}"
    command: list[str | Path] = [
        SOFFICE,
        profile,
        "--headless",
        "--convert-to",
        FILTER,
        "--outdir",
        directory,
        book,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    with (directory / "model-Months.csv").open(newline="") as file:
        names, *rows = csv.reader(file)
    return [dict(zip(names, map(float, row), strict=True)) for row in rows]


def workbook(payload: ModelRun) -> Any:
    book = openpyxl.Workbook()
    lines, months = Lines(book.active, payload), book.create_sheet("Months")
    figures = _formulas(payload, lines)
    letters = {name: get_column_letter(place + 1) for place, name in enumerate(figures)}
    months.append(list(figures))
    for row in range(2, payload.months + 2):
        here = {name: f"{letter}{row}" for name, letter in letters.items()}
        above = {f"{name}_above": f"{letter}{row - 1}" for name, letter in letters.items()}
        if row == 2:
            nothing = dict.fromkeys(above, "0")
            above = nothing | {"cash_above": repr(payload.opening_cash)}
        months.append(["=" + formula.format(row=row, **here, **above) for formula in figures.values()])
    return book


class Lines:
    """The sheet with a few columns per line of the model: row 1 is before the first month."""

    def __init__(self, sheet: Any, payload: ModelRun) -> None:
        self._sheet = sheet
        self._rows = range(2, payload.months + 2)
        self._columns: dict[str, list[str]] = defaultdict(list)
        self._count = 0
        sheet.title = "Lines"
        for line in payload.revenue:
            new = f"{line.new_customers!r}*(1+{line.new_customers_growth!r})^({{row}}-2)"
            lost = f"{get_column_letter(self._count + 3)}{{above}}*{line.churn_rate!r}"
            new, lost = self._column("new", new), self._column("lost", lost)
            staying = f"{{this}}{{above}}-{lost}{{row}}+{new}{{row}}"
            staying = self._column("customers", staying, line.start_customers)
            self._column("sold", f"{staying}{{row}}*{line.arpa!r}*(1+{line.arpa_growth!r})^({{row}}-2)")
        for figure, given in (("fixed", payload.fixed_revenue), ("operating", payload.opex)):
            for item in given:
                amount = f"{item.monthly!r}*(1+{item.growth!r})^({{row}}-2)"
                self._column(figure, f"IF({{row}}-1>={item.first_month},{amount},0)")
        for role in payload.headcount:
            pay = f"{role.count!r}*{role.annual_salary!r}/12*(1+{role.load_pct!r})"
            self._column("payroll", f"IF({{row}}-1>={role.first_month},{pay},0)")
        for funding in payload.funding:
            self._column("funding", f"IF({{row}}-1={funding.month},{funding.amount!r},0)")

    def total(self, figure: str) -> str:
        """The sum over all lines, as a formula of the other sheet."""
        return "+".join(f"Lines!{letter}{{row}}" for letter in self._columns[figure]) or "0"

    def _column(self, figure: str, formula: str, before: float | None = None) -> str:
        self._count += 1
        letter: str = get_column_letter(self._count)
        self._columns[figure].append(letter)
        self._sheet[f"{letter}1"] = before
        for row in self._rows:
            self._sheet[f"{letter}{row}"] = "=" + formula.format(row=row, above=row - 1, this=letter)
        return letter


def _formulas(payload: ModelRun, lines: Lines) -> dict[str, str]:
    """The formula of each figure; names stand for cells of the same month, with _above of the one before."""
    return {
        "month": "{row}-1",
        "customers": lines.total("customers"),
        "newCustomers": lines.total("new"),
        "lostCustomers": lines.total("lost"),
        "recurringRevenue": lines.total("sold"),
        "fixedRevenue": lines.total("fixed"),
        "revenue": "{recurringRevenue}+{fixedRevenue}",
        "cogs": f"{{revenue}}*{payload.cogs_pct!r}",
        "grossProfit": "{revenue}-{cogs}",
        "operating": lines.total("operating"),
        "payroll": lines.total("payroll"),
        "acquisition": f"{{newCustomers}}*{payload.cac_per_new_customer!r}",
        "opex": "{operating}+{payroll}+{acquisition}",
        "ebitda": "{revenue}-{cogs}-{opex}",
        "tax": f"MAX(0,{{ebitda}}-{{unusedLosses_above}})*{payload.tax_rate!r}",
        "unusedLosses": "MAX(0,{unusedLosses_above}-{ebitda})",
        "receivables": f"{{revenue}}*{payload.dso!r}/30",
        "payables": f"({{cogs}}+{{opex}})*{payload.dpo!r}/30",
        "funding": lines.total("funding"),
        "cashFlow": "{ebitda}-{tax}-{receivables}+{receivables_above}+{payables}-{payables_above}+{funding}",
        "cash": "{cash_above}+{cashFlow}",
    }
