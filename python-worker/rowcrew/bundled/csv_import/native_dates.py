"""Which date formats PostgreSQL reads by itself, under which order of day, month and year.

In: the date formats of a payload. Out: the DateStyle of an import, and the form of the cells that need no
rewriting under this style. Pure. Called by `cells`, and by `copy_in` for the style.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, Literal

import msgspec

from rowcrew.bundled.csv_import.date_format import form_of

Order = Literal["YMD", "DMY", "MDY"]

_TIME: Final = r"(?: %H:%M(?::%S)?| %I:%M(?::%S)? %p)?"
_YEAR_FIRST: Final = re.compile(rf"%Y-%m-%d{_TIME}")
_NUMERIC: Final = re.compile(rf"%(?P<first>[dm])(?P<sign>[-/.])%(?!(?P=first))[dm](?P=sign)%[Yy]{_TIME}")
# PostgreSQL takes 69 for 2069, and strptime for 1969; they agree on all others.
_SAME_CENTURY: Final = r"(?:[0-57-9]\d|6[0-8])"


class NativeDates(msgspec.Struct, frozen=True):
    """The order in which PostgreSQL is to read dates, and the form of those that it reads right.

    `form` is None where it reads none as the formats mean them.
    """

    order: Order
    form: str | None


@lru_cache(64)
def native_dates(date_formats: Sequence[str]) -> NativeDates:
    """What PostgreSQL reads of the leading formats; no cell goes to a format behind the one that means it.

    Year-month-day is read alike under every order, so it goes together with one of the others.
    """
    forms: list[str] = []
    order: Order = "YMD"
    for date_format, wanted in _leading(date_formats):
        if wanted != "YMD" and order not in ("YMD", wanted):
            break
        order = order if wanted == "YMD" else wanted
        forms.append(form_of(date_format, two_digit_years=_SAME_CENTURY))
    return NativeDates(order, f"(?:{'|'.join(forms)})" if forms else None)


def _leading(date_formats: Sequence[str]) -> Iterator[tuple[str, Order]]:
    """The formats up to the first that PostgreSQL reads under no order, each with its own."""
    for date_format in date_formats:
        if _YEAR_FIRST.fullmatch(date_format):
            yield date_format, "YMD"
        elif numeric := _NUMERIC.fullmatch(date_format):
            yield date_format, "DMY" if numeric["first"] == "d" else "MDY"
        else:
            return
