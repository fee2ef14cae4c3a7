"""Charts on slides: native ones, which people edit in place, with their numbers in a workbook.

In: a `Chart` and where it stands. Out: a shape on the slide.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
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

from rowcrew.bundled.documents.axis import (
    MOST_MARKED_POINTS,
    axis_of,
    drawn_type,
    lone_points,
    named_categories,
    shortened,
)
from rowcrew.bundled.documents.document import Chart, ChartType
from rowcrew.bundled.documents.lines import lines_within
from rowcrew.bundled.documents.look import Look
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.written import LONGEST_NAME, POINTS, cleaned, ems

_TYPES: Final[dict[ChartType, Any]] = {
    "line": XL_CHART_TYPE.LINE,
    "area": XL_CHART_TYPE.AREA,
    "bar": XL_CHART_TYPE.COLUMN_CLUSTERED,
    "stackedBar": XL_CHART_TYPE.COLUMN_STACKED,
}
_TEXT_SIZE: Final = 11
_MARKER_SIZE: Final = 5
# Inches between two labels, and the part of the chart's width that the value axis leaves.
_LABEL_GAP: Final = 0.1
_MOST_LABEL_LINES: Final = 2
_PLOT_SHARE: Final = 0.92
_FEW_BARS: Final = 4


def add_chart(
    slide: Slide,
    chart: Chart,
    box: tuple[Length, Length, Length, Length],
    look: Look,
    numbers: NumberFormat,
    *,
    title: str,
) -> None:
    """Put the chart into a box of the slide: left, top, width, height. Its title may differ from its own."""
    chart = msgspec.structs.replace(chart, type=drawn_type(chart))
    frame: Any = slide.shapes.add_chart(_TYPES[chart.type], *box, _data(chart))
    frame.name = cleaned(chart.title) or "Chart"
    native = frame.chart
    _write_around(native, chart, look, title)
    _style_axes(native, chart, look, numbers)
    _name_categories(native, chart, box[2].inches)
    for place, series in enumerate(native.plots[0].series):
        _style_series(series, chart, rgb(look.series[place % len(look.series)]))
    if chart.type in ("bar", "stackedBar"):
        native.plots[0].gap_width = 55 if len(chart.categories) >= _FEW_BARS else 300
        native.plots[0].overlap = 100 if chart.type == "stackedBar" else -4


def rgb(color: str) -> RGBColor:
    """The library's form of a hexadecimal colour."""
    return RGBColor(int(color[1:3], 16), int(color[3:5], 16), int(color[5:], 16))


def _data(chart: Chart) -> Any:
    data: Any = CategoryChartData()
    data.categories = [_in_workbook(category) for category in chart.categories]
    for series in chart.series:
        data.add_series(_in_workbook(shortened(series.name, LONGEST_NAME)), series.values)
    return data


def _in_workbook(text: str) -> str:
    """A label; the library would take one that begins with = for a formula, and run it in a spreadsheet."""
    label = " ".join(cleaned(text).split())
    return f" {label}" if label.startswith(("=", "{=")) else label


def _write_around(native: NativeChart, chart: Chart, look: Look, title: str) -> None:
    native.font.size = Pt(_TEXT_SIZE)
    native.font.color.rgb = rgb(look.quiet)
    native.has_title = bool(title)
    if title:
        frame = native.chart_title.text_frame
        frame.text = cleaned(title)
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
    axis = axis_of(chart, numbers)
    values.minimum_scale, values.maximum_scale, values.major_unit = axis.low, axis.high, axis.step
    values.tick_labels.number_format = axis.code
    values.tick_labels.number_format_is_linked = False
    categories.format.line.color.rgb = rgb(look.quiet)
    categories.major_tick_mark = XL_TICK_MARK.NONE
    categories.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    categories.has_major_gridlines = False


def _name_categories(native: NativeChart, chart: Chart, width: float) -> None:
    """Show the labels that have room, in two lines if need be, and no others; none is slanted.

    PowerPoint obeys `tickLblSkip`, LibreOffice does not: it shows what the chart itself holds. So the others
    are missing there, and long ones cut; the workbook behind the chart has them all, and whole.
    """
    labels = [_in_workbook(category) for category in chart.categories]
    sizes = [ems(label) * _TEXT_SIZE / POINTS + _LABEL_GAP for label in labels]
    slot = width * _PLOT_SHARE / len(labels)
    places = named_categories(sizes, slot)
    step = places[1] if len(places) > 1 else len(labels)
    native.category_axis.tick_labels.font.size = Pt(_TEXT_SIZE)
    axis = native.category_axis._element
    room = (slot * step - _LABEL_GAP) * POINTS / _TEXT_SIZE
    for value in native._chartSpace.findall(f".//{qn('c:cat')}//{qn('c:v')}"):
        value.text = " ".join(lines_within(value.text or "", room, _MOST_LABEL_LINES, ems)) or value.text
    if step == 1:  # with labels left out LibreOffice would break each within its own slot
        axis.find(qn("c:txPr")).find(qn("a:bodyPr")).set("rot", "0")
    else:
        skip = axis.makeelement(qn("c:tickLblSkip"), {"val": str(step)})
        axis.find(qn("c:noMultiLvlLbl")).addprevious(skip)
        hidden = {str(place) for place in range(len(labels))} - {str(place) for place in places}
        for point in native._chartSpace.findall(f".//{qn('c:cat')}//{qn('c:pt')}"):
            if point.get("idx") in hidden:
                point.getparent().remove(point)


def _style_series(series: Any, chart: Chart, color: RGBColor) -> None:
    if chart.type == "line":
        series.smooth = False
        series.format.line.color.rgb = color
        series.format.line.width = Pt(2.25)
        _mark_points(series, color)
        return
    series.format.fill.solid()
    series.format.fill.fore_color.rgb = color
    if chart.type == "area":
        _translucent(series)
    else:
        # Without a word about it, bars below zero are white.
        series.invert_if_negative = False


def _mark_points(series: Any, color: RGBColor) -> None:
    """A marker on each of few points, else only on those that no line reaches."""
    values = list(series.values)
    if len(values) <= MOST_MARKED_POINTS:
        _mark(series.marker, color)
        return
    series.marker.style = XL_MARKER_STYLE.NONE
    for place in lone_points(values):
        _mark(series.points[place].marker, color)


def _mark(marker: Any, color: RGBColor) -> None:
    marker.style, marker.size = XL_MARKER_STYLE.CIRCLE, _MARKER_SIZE
    marker.format.fill.solid()
    marker.format.fill.fore_color.rgb = color
    marker.format.line.fill.background()


def _translucent(series: Any) -> None:
    """Areas behind each other stay visible; the library has no word for it."""
    (color,) = series.format.fill._xPr.iter(qn("a:srgbClr"))
    color.append(color.makeelement(qn("a:alpha"), {"val": "55000"}))
