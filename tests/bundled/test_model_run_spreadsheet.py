"""The figures of `model_run` against the same model written as a spreadsheet, cell by cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from rowcrew.bundled.model_run.payload import drivers_of
from rowcrew.bundled.model_run.result import month_row
from rowcrew.bundled.model_run.saas_model import Company
from tests.bundled.saas_payload import FULL, REFERENCE, model
from tests.bundled.spreadsheet import calculated, needs_libreoffice

PROFITABLE = FULL | {"headcount": [], "months": 120, "dso": 0, "dpo": 61.5}


@needs_libreoffice
@pytest.mark.parametrize("given", [REFERENCE, FULL, PROFITABLE], ids=["reference", "full", "profitable"])
def test_every_cell_is_what_libreoffice_calculates(given: dict[str, Any], tmp_path: Path) -> None:
    payload = model(given)
    company = Company(drivers_of(payload))
    rows = calculated(payload, tmp_path)
    assert len(rows) == payload.months
    for row in rows:
        month = company.next_month()
        figures = msgspec.to_builtins(month)
        shown = msgspec.to_builtins(month_row(month, payload.start_month))
        assert row.keys() - figures.keys() == {"unusedLosses"}
        for name, value in figures.items():
            assert value == pytest.approx(row[name], rel=1e-11, abs=1e-6), (month.month, name)
            assert abs(shown[name] - row[name]) <= 0.005 + 1e-6, (month.month, name)


def test_the_models_use_every_equation() -> None:
    full, profitable = (Company(drivers_of(model(given))) for given in (FULL, PROFITABLE))
    months = [full.next_month() for _ in range(48)]
    assert months[0].payroll > 0
    assert {month.funding for month in months} == {0, 251_000, -40_000}
    taxes = [profitable.next_month().tax for _ in range(120)]
    assert taxes[0] == 0
    assert taxes[-1] > 0
