"""The axes of charts, the same on pages and slides: ticks, their labels, and which categories are named.

In: a `Chart` and how its readers write numbers. Out: an `Axis`, with its labels as text and as the format
code of a native chart, and which categories have room for a label. Called by what draws charts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from rowcrew.bundled.documents.document import Chart, ChartType, ValueFormat
from rowcrew.bundled.documents.number_format import MINUS, NumberFormat

MOST_MARKED_POINTS: Final = 24
_WANTED_TICKS: Final = 5
_NAMED: Final = 12
_FACTORS: Final = (1, 2, 2.5, 5, 10)
_MOST_DECIMALS: Final = 15


class Unit(msgspec.Struct, frozen=True):
    """What an axis counts in, from which size on, and how a format code divides by it."""

    size: float
    suffix: str = ""
    code: str = ""
    least: float = 0.0


_ONES: Final = Unit(1.0)
_UNITS: Final = (
    Unit(1e12, "T", ",,,,", 1e12),
    Unit(1e9, "B", ",,,", 1e9),
    Unit(1e6, "M", ",,", 1e6),
    Unit(1e3, "k", ",", 1e4),
    _ONES,
)
_LAKH_UNITS: Final = (
    Unit(1e7, "\u00a0Cr", least=1e7),
    Unit(1e5, "\u00a0L", least=1e5),
    Unit(1e3, "k", least=1e4),
    _ONES,
)


class Axis(msgspec.Struct, frozen=True):
    """Round numbers that span the values: the first and last tick are the ends of the axis.

    Attributes:
        labels: of the ticks, as pages print them; all count in one unit and have the decimals of the step.
        code: the same as the format code of a native chart.
    """

    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    code: str

    @property
    def low(self) -> float:
        return self.ticks[0]

    @property
    def high(self) -> float:
        return self.ticks[-1]

    @property
    def step(self) -> float:
        return self.ticks[1] - self.ticks[0]

    def share(self, value: float) -> float:
        """Where a value lies between the ends: 0 at the low one, 1 at the high one."""
        return (value - self.low) / (self.high - self.low)


def axis_of(chart: Chart, numbers: NumberFormat) -> Axis:
    """The axis of a chart's values."""
    ticks = ticks_of(spanned_values(chart))
    step = ticks[1] - ticks[0]
    if chart.format == "percent":
        decimals = decimals_of(step * 100)
        labels = tuple(numbers.percent(tick, decimals) for tick in ticks)
        code = f'{_digits(decimals)}"{numbers.writing.percent[:-1]}"%'
        return Axis(ticks, labels, _merged(f'{code};"{MINUS}"{code}'))
    largest = max(abs(ticks[0]), abs(ticks[-1]))
    units = _LAKH_UNITS if numbers.writing.lakh else _UNITS
    unit = next(unit for unit in units if largest >= unit.least)
    decimals = decimals_of(step / unit.size)
    labels = tuple(_label(tick, unit, decimals, chart.format, numbers) for tick in ticks)
    if numbers.writing.lakh:
        return Axis(ticks, labels, _lakh_code(ticks, decimals_of(step), chart.format, numbers))
    code = f'{_digits(decimals)}{unit.code}"{unit.suffix}"'
    return Axis(ticks, labels, _signed_code(code, "0", chart.format, numbers))


def spanned_values(chart: Chart) -> list[float]:
    """The values that the axis must hold; for stacks, their ends."""
    if chart.type != "stackedBar":
        return [value for series in chart.series for value in series.values if value is not None]
    ends: list[float] = []
    for place in range(len(chart.categories)):
        here = [series.values[place] or 0 for series in chart.series]
        ends += [sum(value for value in here if value > 0), sum(value for value in here if value < 0)]
    return ends


def ticks_of(values: Sequence[float]) -> tuple[float, ...]:
    """Ticks for these values; whole ones for whole numbers. Zero is one: half an axis exaggerates."""
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    if high - low < 1e-12:
        high = low + 1.0
    whole = all(float(value).is_integer() for value in values)
    step = _round_step((high - low) / _WANTED_TICKS, whole=whole)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(float(f"{step * tick:.12g}") for tick in range(first, last + 1))


def decimals_of(step: float) -> int:
    """How many decimals a step has: fewer would give two ticks the same label."""
    shown = (decimals for decimals in range(_MOST_DECIMALS) if abs(round(step, decimals) / step - 1) < 1e-9)
    return next(shown, _MOST_DECIMALS)


def drawn_type(chart: Chart) -> ChartType:
    """The type that shows something: an area of lone points has no width, so they are bars."""
    alone = not any(
        value is not None and other is not None
        for series in chart.series
        for value, other in zip(series.values, series.values[1:], strict=False)
    )
    return "bar" if chart.type == "area" and alone else chart.type


def lone_points(values: Sequence[float | None]) -> list[int]:
    """The points without a neighbour, which no line shows."""
    padded = [None, *values, None]
    return [
        place
        for place, value in enumerate(values)
        if value is not None and padded[place] is None and padded[place + 2] is None
    ]


def named_categories(widths: Iterable[float], room: float) -> list[int]:
    """Which categories have a label; up to twelve have one each, wrapped or cut.

    Args:
        widths: of each category's label.
        room: how wide the place of a category is.
    """
    known = list(widths)
    if len(known) <= _NAMED:
        return list(range(len(known)))
    least = math.ceil(max(known) / room)
    return list(range(0, len(known), _spacing(least)))


def shortened(text: str, most: int) -> str:
    """The text in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _round_step(rough: float, *, whole: bool) -> float:
    size: float = 10.0 ** math.floor(math.log10(rough))
    steps = (float(f"{size * factor:.12g}") for factor in (*_FACTORS, 20))
    return next(step for step in steps if step >= rough * 0.999 and (step.is_integer() or not whole))


def _spacing(least: int) -> int:
    """Every how many-th category has a label; quarters and years where there are many."""
    months = next((every for every in (1, 2, 3, 6, 12, 24, 60) if every >= least), 0)
    return months or math.ceil(least / 60) * 60


def _label(tick: float, unit: Unit, decimals: int, form: ValueFormat, numbers: NumberFormat) -> str:
    if tick == 0:
        return numbers.with_symbol("0") if form == "money" else "0"
    digits = numbers.number(abs(tick) / unit.size, decimals) + unit.suffix
    return (MINUS if tick < 0 else "") + (numbers.with_symbol(digits) if form == "money" else digits)


def _digits(decimals: int) -> str:
    return "#,##0" + (f".{'0' * decimals}" if decimals else "")


def _signed_code(code: str, zero: str, form: ValueFormat, numbers: NumberFormat) -> str:
    """The code of positive, negative and zero values, with the currency's sign where it belongs."""
    before, after = _around(form, numbers)
    return _merged(f'{before}{code}{after};"{MINUS}"{before}{code}{after};{before}{zero}{after}')


def _merged(code: str) -> str:
    """Texts beside each other as one; to some programs two quotes are one that is meant."""
    return code.replace('""', "")


def _around(form: ValueFormat, numbers: NumberFormat) -> tuple[str, str]:
    if form != "money":
        return "", ""
    before, _, after = numbers.with_symbol("0").partition("0")
    return (f'"{before}"' if before else ""), (f'"{after}"' if after else "")


def _lakh_code(ticks: Sequence[float], decimals: int, form: ValueFormat, numbers: NumberFormat) -> str:
    """Groups of Indian digits. A code has two conditions, and cannot divide by a lakh."""
    before, after = _around(form, numbers)
    fraction = f".{'0' * decimals}" if decimals else ""
    lakh, crore = (f"{before}{groups}##0{fraction}{after}" for groups in (r"##\,##\,", r"##\,##\,##\,"))
    rest = f"{before}#,##0{fraction}{after}"
    if ticks[0] < 0:
        size, code = (10**7, crore) if max(-ticks[0], ticks[-1]) >= 1e7 else (10**5, lakh)
        return _merged(f'[>={size}]{code};[<=-{size}]"{MINUS}"{code};{rest}')
    return f"[>=10000000]{crore};[>=100000]{lakh};{rest}"
