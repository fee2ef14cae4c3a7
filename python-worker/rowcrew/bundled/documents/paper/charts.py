"""Charts as vector drawings.

In: a `Chart`, its width, look and number format. Out: a reportlab `Drawing` with a legend, a grid, round
numbers on the axis and as many category labels as have room, in two lines if need be.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from reportlab.graphics.shapes import STATE_DEFAULTS, Circle, Drawing, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor

from rowcrew.bundled.documents.axis import (
    MOST_MARKED_POINTS,
    axis_of,
    drawn_type,
    named_categories,
    shortened,
)
from rowcrew.bundled.documents.document import Chart, Series
from rowcrew.bundled.documents.lines import lines_within
from rowcrew.bundled.documents.look import Look
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.paper import fonts
from rowcrew.bundled.documents.written import LONGEST_NAME

HEIGHT: Final = 168.0
_LABEL_SIZE: Final = 7.5
_LEGEND_SIZE: Final = 8.0
_LEGEND_LINE: Final = 16.0
_ROOM_BELOW: Final = 8.0
_LABEL_LINE: Final = 9.5
_MOST_LABEL_LINES: Final = 2
_BAR_SHARE: Final = 0.68
_WIDEST_BAR: Final = 56.0

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


def drawing(chart: Chart, width: float, look: Look, numbers: NumberFormat, height: float = HEIGHT) -> Drawing:
    """The chart, ready to stand between paragraphs; `height` is that of the plot alone."""
    # Every drawing sets this font before all else; left alone, the file would name one that is not embedded.
    STATE_DEFAULTS["fontName"] = fonts.REGULAR
    return _Plot(chart, width, look, numbers, height).drawn()


class _Plot:
    """One chart being drawn; the plot area is `left` to `right`, `bottom` to `top`."""

    def __init__(self, chart: Chart, width: float, look: Look, numbers: NumberFormat, height: float) -> None:
        self.chart = chart
        self.look = look
        self.axis = axis_of(chart, numbers)
        self.legend = [] if chart.title and len(chart.series) == 1 else _legend_lines(chart.series, width)
        self.left = max(fonts.width(label, fonts.REGULAR, _LABEL_SIZE) for label in self.axis.labels) + 6
        self.right = width - 4
        self.slot = (self.right - self.left) / len(chart.categories)
        self.names = _category_names(chart.categories, self.slot)
        self.bottom = _ROOM_BELOW + _LABEL_LINE * max(len(lines) for lines in self.names.values())
        self.height = height
        self.top = self.bottom + height
        self.canvas = Drawing(width, self.top + 10 + _LEGEND_LINE * len(self.legend))

    def drawn(self) -> Drawing:
        self._draw_legend()
        self._draw_grid()
        self._draw_categories()
        match drawn_type(self.chart):
            case "line" | "area":
                self._draw_lines()
            case "bar":
                self._draw_bars()
            case "stackedBar":
                self._draw_stacks()
        self._line(self.left, self._y(0), self.right, self._y(0), self.look.quiet, 0.7)
        return self.canvas

    def _draw_legend(self) -> None:
        y = self.canvas.height - 9
        for line in self.legend:
            x = self.left
            for place, name, width in line:
                self._box(x, y, 7, 7, self._color(place))
                self._text(x + 11, y + 0.5, name, _LEGEND_SIZE, self.look.ink)
                x += width
            y -= _LEGEND_LINE

    def _draw_grid(self) -> None:
        for tick, label in zip(self.axis.ticks, self.axis.labels, strict=True):
            y = self._y(tick)
            self._line(self.left, y, self.right, y, self.look.hairline, 0.4)
            self._text(self.left - 6, y - 2.5, label, _LABEL_SIZE, self.look.quiet, "end")

    def _draw_categories(self) -> None:
        for place, lines in self.names.items():
            for number, line in enumerate(lines):
                y = self.bottom - 12 - number * _LABEL_LINE
                self._text(self._x(place), y, line, _LABEL_SIZE, self.look.quiet, "middle")

    def _draw_lines(self) -> None:
        for place, series in enumerate(self.chart.series):
            for points in self._unbroken(series):
                if self.chart.type == "area":
                    self._draw_area(points, self._color(place))
                self._draw_line(points, self._color(place))

    def _draw_line(self, points: list[Point], color: Color) -> None:
        if len(points) > 1:
            coordinates = list(itertools.chain.from_iterable(points))
            self.canvas.add(
                PolyLine(coordinates, strokeColor=color, strokeWidth=1.8, strokeLineJoin=1, strokeLineCap=1)
            )
        marked = points if len(self.chart.categories) <= MOST_MARKED_POINTS else points[-1:]
        for x, y in marked:
            self.canvas.add(Circle(x, y, 1.9, fillColor=color, strokeColor=None))

    def _draw_area(self, points: list[Point], color: Color) -> None:
        zero = self._y(0)
        outline = [(points[0][0], zero), *points, (points[-1][0], zero)]
        shade = Color(color.red, color.green, color.blue, alpha=0.14)
        self.canvas.add(
            Polygon(list(itertools.chain.from_iterable(outline)), fillColor=shade, strokeColor=None)
        )

    def _draw_bars(self) -> None:
        together = min(self.slot * _BAR_SHARE, _WIDEST_BAR * len(self.chart.series))
        share = together / len(self.chart.series)
        for place, series in enumerate(self.chart.series):
            for category, value in enumerate(series.values):
                if value is not None:
                    x = self._x(category) - together / 2 + place * share
                    self._draw_bar(x, share, 0.0, value, self._color(place))

    def _draw_stacks(self) -> None:
        width = min(self.slot * _BAR_SHARE, _WIDEST_BAR)
        for category in range(len(self.chart.categories)):
            above = below = 0.0
            for place, series in enumerate(self.chart.series):
                value = series.values[category] or 0
                start = above if value >= 0 else below
                self._draw_bar(self._x(category) - width / 2, width, start, start + value, self._color(place))
                above, below = (start + value, below) if value >= 0 else (above, start + value)

    def _draw_bar(self, x: float, width: float, start: float, end: float, color: Color) -> None:
        low, high = sorted((self._y(start), self._y(end)))
        gap = min(0.8, width / 8)
        self._box(x + gap / 2, low, width - gap, high - low, color)

    def _unbroken(self, series: Series) -> Iterator[list[Point]]:
        """The points between the gaps."""
        indexed = list(enumerate(series.values))
        for missing, group in itertools.groupby(indexed, key=lambda pair: pair[1] is None):
            if not missing:
                yield [(self._x(category), self._y(value)) for category, value in group if value is not None]

    def _x(self, category: int) -> float:
        return self.left + self.slot * (category + 0.5)

    def _y(self, value: float) -> float:
        return self.bottom + self.height * self.axis.share(value)

    def _color(self, place: int) -> Color:
        return HexColor(self.look.series[place % len(self.look.series)])

    def _box(self, x: float, y: float, width: float, height: float, color: Color) -> None:
        box = Rect(x, y, width, height)
        box.fillColor, box.strokeColor = color, None
        self.canvas.add(box)

    def _line(self, x: float, y: float, x2: float, y2: float, color: str, thickness: float) -> None:
        self.canvas.add(Line(x, y, x2, y2, strokeColor=HexColor(color), strokeWidth=thickness))

    def _text(self, x: float, y: float, text: str, size: float, color: str, anchor: Anchor = "start") -> None:
        shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
        x -= shift * fonts.width(text, fonts.REGULAR, size)
        for font, part in fonts.runs(text, fonts.REGULAR):
            self.canvas.add(String(x, y, part, fontName=font, fontSize=size, fillColor=HexColor(color)))
            x += fonts.width(part, font, size)


def _category_names(categories: Sequence[str], slot: float) -> dict[int, list[str]]:
    """The lines of each category's label; none for a category that has no room for one."""
    labels = [" ".join(category.split()) for category in categories]
    widths = [_label_width(label) + 8 for label in labels]
    places = named_categories(widths, slot)
    room = slot * (places[1] if len(places) > 1 else len(labels)) - 4
    return {
        place: lines_within(labels[place], room, _MOST_LABEL_LINES, _label_width) or [""] for place in places
    }


def _label_width(label: str) -> float:
    return fonts.width(label, fonts.REGULAR, _LABEL_SIZE)


def _legend_lines(series: Sequence[Series], width: float) -> list[list[tuple[int, str, float]]]:
    """Which names stand in which line, each as (place, name, room); none for a series without a name."""
    named = [(place, shortened(each.name, LONGEST_NAME)) for place, each in enumerate(series) if each.name]
    lines: list[list[tuple[int, str, float]]] = []
    left = 0.0
    for place, name in named:
        room = fonts.width(name, fonts.REGULAR, _LEGEND_SIZE) + 27
        if not lines or left < room:
            lines.append([])
            left = width - 50
        lines[-1].append((place, name, room))
        left -= room
    return lines
