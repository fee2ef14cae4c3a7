"""How a report words periods and stretches of time.

In: how numbers are written. Out: texts. Called by `report` and `report_tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from rowcrew.bundled.documents.number_format import NOT_APPLICABLE, NumberFormat
from rowcrew.bundled.model_run.result import MonthRow

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Wording(msgspec.Struct, frozen=True):
    """The words of a report for months and for how long something lasts."""

    numbers: NumberFormat

    def period(self, period: str, *, short: bool = False) -> str:
        """`2027-01` as readers of the locale know it; other languages keep the ISO form."""
        if not self.numbers.locale.startswith("en"):
            return period
        year, month = period.split("-")
        return f"{_MONTHS[int(month) - 1]} {year[-2:] if short else year}"

    def span(self, months: Sequence[MonthRow]) -> str:
        first, last = self.period(months[0].period), self.period(months[-1].period)
        return first if len(months) == 1 else f"{first} to {last}"

    def months(self, months: float | None) -> str:
        if months is None:
            return NOT_APPLICABLE
        text = self.numbers.number(months, 1)
        return f"{text} month" if months == 1 else f"{text} months"
