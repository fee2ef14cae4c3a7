"""Charts on slides: native ones, which people edit in place, with their numbers in a workbook.

In: a `Chart` and where it stands. Out: a shape on the slide.
"""

from __future__ import annotations

import math
from typing import Any, Final

from pptx.chart.chart import Chart as NativeChart
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
    XL_TICK_MARK,
)
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.util import Length, Pt

from rowcrew.bundled.documents.document import Chart, ChartType
from rowcrew.bundled.documents.look import Look
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.written import cleaned

_TYPES: Final[dict[ChartType, Any]] = {
    "line": XL_CHART_TYPE.LINE,
    "area": XL_CHART_TYPE.AREA,
    "bar": XL_CHART_TYPE.COLUMN_CLUSTERED,
    "stackedBar": XL_CHART_TYPE.COLUMN_STACKED,
}
_TEXT_SIZE: Final = 11
_MOST_LABELS: Final = 13


def add_chart(
    slide: Slide, chart: Chart, box: tuple[Length, Length, Length, Length], look: Look, numbers: NumberFormat
) -> None:
    """Put the chart into a box of the slide: left, top, width, height."""
    frame: Any = slide.shapes.add_chart(_TYPES[chart.type], *box, _data(chart))
    frame.name = cleaned(chart.title) or "Chart"
    native = frame.chart
    _write_around(native, chart, look)
    _style_axes(native, chart, look, numbers)
    for place, series in enumerate(native.plots[0].series):
        _style_series(series, chart.type, rgb(look.series[place % len(look.series)]))
    if chart.type in ("bar", "stackedBar"):
        native.plots[0].gap_width = 55
        native.plots[0].overlap = 100 if chart.type == "stackedBar" else -4


def rgb(color: str) -> RGBColor:
    """The library's form of a hexadecimal colour."""
    return RGBColor(int(color[1:3], 16), int(color[3:5], 16), int(color[5:], 16))


def _data(chart: Chart) -> Any:
    data: Any = CategoryChartData()
    data.categories = [_in_workbook(category) for category in chart.categories]
    for series in chart.series:
        data.add_series(_in_workbook(series.name), series.values)
    return data


def _in_workbook(text: str) -> str:
    """A label; the library would take one that begins with = for a formula, and run it in a spreadsheet."""
    label = " ".join(cleaned(text).split())
    return f" {label}" if label.startswith(("=", "{=")) else label


def _write_around(native: NativeChart, chart: Chart, look: Look) -> None:
    native.font.size = Pt(_TEXT_SIZE)
    native.font.color.rgb = rgb(look.quiet)
    native.has_title = bool(chart.title)
    if chart.title:
        frame = native.chart_title.text_frame
        frame.text = cleaned(chart.title)
        font = frame.paragraphs[0].runs[0].font if frame.paragraphs[0].runs else frame.paragraphs[0].font
        font.size, font.bold = Pt(12), True
        font.color.rgb = rgb(look.ink)
    native.has_legend = len(chart.series) > 1 or not chart.title
    if native.has_legend:
        native.legend.position = XL_LEGEND_POSITION.BOTTOM
        native.legend.include_in_layout = False


def _style_axes(native: NativeChart, chart: Chart, look: Look, numbers: NumberFormat) -> None:
    hairline = rgb(look.hairline)
    values, categories = native.value_axis, native.category_axis
    values.has_major_gridlines = True
    values.major_gridlines.format.line.color.rgb = hairline
    values.major_gridlines.format.line.width = Pt(0.5)
    values.format.line.fill.background()
    values.major_tick_mark = XL_TICK_MARK.NONE
    values.tick_labels.number_format = axis_format(chart, numbers)
    values.tick_labels.number_format_is_linked = False
    categories.format.line.color.rgb = rgb(look.quiet)
    categories.major_tick_mark = XL_TICK_MARK.NONE
    categories.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    categories.has_major_gridlines = False
    if len(chart.categories) > _MOST_LABELS:
        _label_every(categories, math.ceil(len(chart.categories) / _MOST_LABELS))


def _label_every(categories: Any, step: int) -> None:
    """Give every so many-th category a label; the library has no word for it."""
    axis = categories._element
    skip = axis.makeelement(qn("c:tickLblSkip"), {"val": str(step)})
    axis.find(qn("c:noMultiLvlLbl")).addprevious(skip)


def axis_format(chart: Chart, numbers: NumberFormat) -> str:
    """The format code of the axis: thousands and millions are shortened, as far as a code can tell."""
    if chart.format == "percent":
        return "0%"
    largest = max((abs(value) for series in chart.series for value in series.values if value), default=0)
    code = "#,##0"
    if largest >= 2e6 and not numbers.writing.lakh:
        code = '#,##0.0,,"M"'
    elif largest >= 1e4 and not numbers.writing.lakh:
        code = '#,##0,"k"'
    elif largest < 10:
        code = "0.0"
    if chart.format != "money":
        return code
    return f'"{numbers.symbol}"{code}' if numbers.writing.symbol_first else f'{code}" {numbers.symbol}"'


def _style_series(series: Any, type: ChartType, color: RGBColor) -> None:
    if type == "line":
        series.smooth = False
        series.format.line.color.rgb = color
        series.format.line.width = Pt(2.25)
        series.marker.style = XL_MARKER_STYLE.NONE
        return
    series.format.fill.solid()
    series.format.fill.fore_color.rgb = color
    if type == "area":
        _translucent(series)


def _translucent(series: Any) -> None:
    """Areas behind each other stay visible; the library has no word for it."""
    (color,) = series.format.fill._xPr.iter(qn("a:srgbClr"))
    color.append(color.makeelement(qn("a:alpha"), {"val": "55000"}))
