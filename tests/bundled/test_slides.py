"""Slides as they are read back: what stands on them, where, in which size, and what an axis says."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import msgspec
import pytest
from pptx import Presentation
from pptx.util import Pt

from rowcrew.bundled.documents.axis import axis_of
from rowcrew.bundled.documents.document import Chart
from rowcrew.bundled.documents.number_format import NumberFormat
from tests.bundled.specimens import LOREM, SPECIMENS, chart, periods, pptx, written


def slides(*sections: dict[str, Any], **more: Any) -> list[Any]:
    """The slides after the one with the title."""
    return list(Presentation(io.BytesIO(pptx(written(*sections, **more)))).slides)[1:]


def native(type: str, categories: list[str], values: list[Any], **more: Any) -> Any:
    (slide,) = slides({"heading": "H", "chart": chart(type, categories, values, **more)})
    return next(shape.chart for shape in slide.shapes if shape.has_chart)


def texts(slide: Any) -> list[str]:
    return [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame and shape.text_frame.text]


def sizes(slide: Any, text: str) -> set[float]:
    """The sizes in points of the paragraphs that hold this text."""
    paragraphs = (
        each for shape in slide.shapes if shape.has_text_frame for each in shape.text_frame.paragraphs
    )
    return {run.font.size.pt for each in paragraphs if text in each.text for run in each.runs}


@pytest.mark.parametrize("type", ["bar", "stackedBar"])
def test_bars_below_zero_keep_their_colour(type: str) -> None:
    (series,) = native(type, ["a", "b"], [5, -1]).plots[0].series
    assert series.invert_if_negative is False


def test_a_title_longer_than_a_property_stays_whole_on_its_slide() -> None:
    title = "T" * 256
    file = pptx(written({"text": "x"}, title=title, subtitle="S" * 300))
    presentation = Presentation(io.BytesIO(file))
    assert presentation.slides[0].shapes.title.text == title
    assert presentation.core_properties.title == "T" * 255
    assert presentation.core_properties.subject == "S" * 255


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ([0.004, 0.005, 0.007], "percent"),
        ([2_000_000, 2_010_000, 2_040_000], "money"),
        ([0.0001, 0.0005], "number"),
        ([1, 4, 2], "number"),
        ([-120_000, 40_000], "money"),
    ],
)
def test_the_axis_of_a_native_chart_is_that_of_pages(values: list[float], form: Any) -> None:
    made = native("line", [str(value) for value in values], values, format=form)
    given = msgspec.convert(chart("line", ["a"] * len(values), values, format=form), Chart)
    axis = axis_of(given, NumberFormat("en-US", "USD"))
    values_axis = made.value_axis
    assert (values_axis.minimum_scale, values_axis.maximum_scale) == (axis.low, axis.high)
    assert values_axis.major_unit == axis.step
    assert values_axis.tick_labels.number_format == axis.code


def test_points_that_no_line_reaches_have_markers() -> None:
    few = native("line", ["Jan"], [420]).plots[0].series[0]
    assert few.marker.size == 5
    many = native("line", periods(30), [1, None, *range(2, 30)])
    marked = many._chartSpace.findall(".//{*}dPt/{*}idx")
    assert [point.get("val") for point in marked] == ["0"]


def test_an_area_of_one_point_is_a_bar_that_leaves_room_beside_it() -> None:
    plot = native("area", ["Jan"], [420]).plots[0]
    assert type(plot).__name__ == "BarPlot"
    assert plot.gap_width >= 300
    assert native("bar", ["a", "b", "c", "d"], [1, 2, 3, 4]).plots[0].gap_width == 55


def test_long_names_under_bars_are_cut_and_never_slanted() -> None:
    names = [f"Donaudampfschifffahrtsgesellschaftskapitän {number}" for number in range(12)]
    made = native("bar", names, list(range(12)))
    shown = [category.label for category in made.plots[0].categories]
    assert [label.split("… ")[1] for label in shown] == [str(number) for number in range(12)]
    assert 'rot="0"' in made.category_axis._element.xml
    assert 'rot="0"' not in native("line", periods(24), [1] * 24).category_axis._element.xml
    with zipfile.ZipFile(io.BytesIO(made.part.chart_workbook.xlsx_part.blob)) as workbook:
        assert names[0] in workbook.read("xl/sharedStrings.xml").decode()


def test_labels_without_room_are_not_shown_and_stay_in_the_workbook() -> None:
    made = native("bar", periods(60), list(range(60)))
    shown = [category.label for category in made.plots[0].categories]
    assert shown[0] == "Jan 27"
    assert [place for place, label in enumerate(shown) if label] == list(range(0, 60, 6))
    with zipfile.ZipFile(io.BytesIO(made.part.chart_workbook.xlsx_part.blob)) as workbook:
        strings = workbook.read("xl/sharedStrings.xml").decode()
    assert all(period in strings for period in periods(60))
    assert all(category.label for category in native("bar", ["Long name"] * 12, [1] * 12).plots[0].categories)
    thousand = native("line", [f"Day {day}" for day in range(1_000)], [1] * 1_000)
    assert 5 < sum(1 for category in thousand.plots[0].categories if category.label) < 30
    assert thousand.category_axis.has_major_gridlines is False


def test_long_names_in_a_legend_are_cut() -> None:
    series = [{"name": f"{which} " * 30, "values": [1]} for which in ("one", "two")]
    (slide,) = slides({"chart": {"type": "line", "categories": ["a"], "series": series}})
    made = next(shape.chart for shape in slide.shapes if shape.has_chart)
    assert all(len(each.name) <= 40 for each in made.plots[0].series)


def test_a_chart_s_title_is_not_the_slide_s_title_again() -> None:
    same = {"heading": "Sales", "chart": chart("bar", ["a"], [1], title="Sales")}
    other = {"heading": "Sales", "chart": chart("bar", ["a"], [1], title="Orders")}
    has_title = [
        shape.chart.has_title for slide in slides(same, other) for shape in slide.shapes if shape.has_chart
    ]
    assert has_title == [False, True]


def test_a_long_value_shrinks_itself_alone_and_long_words_are_cut_to_two_lines() -> None:
    nine, long, _ = list(Presentation(io.BytesIO(pptx(SPECIMENS["figures"]()))).slides)[1:]
    assert sizes(long, "$12,345,678") == {24}
    assert sizes(long, "On track") == {14}
    assert any(re.search("On track for the second closing.*…", text) for text in texts(long))
    label = next(text for text in texts(long) if text.startswith("Net revenue"))
    assert "…" in label
    tops = sorted({shape.top for shape in nine.shapes if shape.has_text_frame and "Figure" in shape.text})
    assert len(tops) == 3


def test_a_value_has_room_in_the_widest_font_that_may_draw_it() -> None:
    figures = [{"label": "Lifetime value", "value": f"${digits}"} for digits in ("3,353.36", "163,736,917")]
    (slide,) = slides({"heading": "H", "figures": figures * 4})
    for tile in (shape for shape in slide.shapes if shape.has_text_frame and "$" in shape.text_frame.text):
        (value,) = (each for each in tile.text_frame.paragraphs if "$" in each.text)
        # DejaVu Sans Bold: a digit is 0.696 em wide, a comma 0.38.
        width = sum(0.38 if sign in ",." else 0.696 for sign in value.text)
        assert Pt(width * value.runs[0].font.size.pt) <= tile.width


def test_every_tile_is_as_high_as_its_texts() -> None:
    _, long, _ = list(Presentation(io.BytesIO(pptx(SPECIMENS["figures"]()))).slides)[1:]
    tiles = [shape for shape in long.shapes if shape.has_text_frame and len(shape.text_frame.paragraphs) > 1]
    for tile in tiles:
        lines = (each for each in tile.text_frame.paragraphs for _ in each.runs)
        assert sum(Pt(run.font.size.pt * 1.2) for each in lines for run in each.runs) <= tile.height
    text = next(
        shape for shape in long.shapes if shape.has_text_frame and shape.text.startswith("The quarter")
    )
    assert max(tile.top + tile.height for tile in tiles) <= text.top


def test_a_footer_stands_in_one_line() -> None:
    slide, *_ = slides({"text": "x"}, footer="A footer that is longer than any slide is wide, " * 4)
    footer = next(text for text in texts(slide) if text.startswith("A footer"))
    assert footer.endswith("…")
    assert len(footer) < 175


def test_a_section_of_a_heading_alone_is_a_slide() -> None:
    first, second = slides({"heading": "Part two"}, {"heading": "Then", "text": "x"})
    assert first.shapes.title.text == "Part two"
    assert second.shapes.title.text == "Then"


def test_items_of_a_list_have_bullets_that_their_lines_stand_beside() -> None:
    (slide,) = slides({"text": "Before\n\n- One\n- Two"})
    found = [
        shape.text_frame for shape in slide.shapes if shape.has_text_frame and "One" in shape.text_frame.text
    ]
    before, *items = found[0].paragraphs
    assert before._p.find("{*}pPr/{*}buChar") is None
    assert [item.text for item in items] == ["One", "Two"]
    for item in items:
        properties = item._p.pPr
        assert int(properties.get("marL")) == -int(properties.get("indent")) > 0
        assert properties.find("{*}buChar").get("char") == "•"


def test_long_paragraphs_go_on_from_slide_to_slide_which_say_their_number() -> None:
    words = "\n\n".join([LOREM * 9] * 8)
    made = slides({"heading": "Why", "text": words})
    titles = [slide.shapes.title.text for slide in made]
    assert titles == [f"Why ({number} of {len(made)})" for number in range(1, len(made) + 1)]
    assert len(made) < 8
    said = " ".join(text for slide in made for text in texts(slide) if text.startswith("The quarter"))
    assert said.split() == words.split()


def test_a_long_cell_is_broken_at_its_own_line_ends_only() -> None:
    text = f"{LOREM * 12}\n{LOREM * 12}"
    made = slides({"table": {"columns": ["What", "Why"], "rows": [["Long", text], ["Short", "x"]]}})
    tables = [shape.table for slide in made for shape in slide.shapes if shape.has_table]
    cells = [row.cells[1] for table in tables for row in list(table.rows)[1:]]
    assert sum(cell.text.count("\v") for cell in cells) <= 1
    assert " ".join(cell.text for cell in cells[:-1]).split() == text.split()
    assert {cell.vertical_anchor.name for cell in cells if len(cell.text) > 500} == {"TOP"}


def test_words_alone_on_a_slide_are_larger() -> None:
    short, beside = slides({"text": LOREM}, {"text": LOREM, "chart": chart("bar", ["a"], [1])})
    assert sizes(short, "The quarter") == {18}
    assert sizes(beside, "The quarter") == {14}


def test_paragraphs_that_begin_in_hebrew_or_arabic_run_from_right_to_left() -> None:
    table = {"columns": ["שם", "Sum"], "rows": [["דנה (USD).", 5]]}
    made = slides({"heading": "שלום", "text": "1. ההכנסות (USD).\n\nPlain שלום"}, {"table": table})
    directions = {}
    for slide in made:
        frames = [shape.text_frame for shape in slide.shapes if shape.has_text_frame]
        grids = [shape.table for shape in slide.shapes if shape.has_table]
        frames += [cell.text_frame for table in grids for row in table.rows for cell in row.cells]
        for paragraph in (each for frame in frames for each in frame.paragraphs):
            properties = paragraph._p.pPr
            if properties is not None:
                directions[paragraph.text] = (properties.get("rtl"), properties.get("algn"))
    for text in ("שלום", "1. ההכנסות (USD).", "שם", "דנה (USD)."):
        assert directions[text] == ("1", "r"), text
    assert directions["Sum"] == (None, "r")
    assert directions["Plain שלום"][0] is None
