"""Pages as poppler reads them: what stands where, what stays together, and which characters are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from rowcrew.bundled.documents.document import Document, characters_of
from rowcrew.bundled.documents.paper.fonts import lost
from rowcrew.bundled.exports.pdf_export import require_left_to_right
from rowcrew.context import PermanentError
from tests.bundled.exports import export, permanent, said_by
from tests.bundled.specimens import LOREM, SPECIMENS, Specimen, chart, pdf, periods, written


class Word(NamedTuple):
    """A word of a page, counted from 1; `top` grows downwards."""

    page: int
    left: float
    top: float
    text: str


def words(specimen: Specimen, directory: Path) -> list[Word]:
    path = directory / "specimen.pdf"
    path.write_bytes(pdf(specimen))
    found: list[Word] = []
    page = 0
    for line in said_by("pdftotext", "poppler-utils", "-bbox", path, "-").splitlines():
        if "<page " in line:
            page += 1
        elif match := re.search(r'<word xMin="([\d.-]+)" yMin="([\d.-]+)"[^>]*>(.*)</word>', line):
            found.append(Word(page, float(match[1]), float(match[2]), match[3]))
    return found


def pages_of(found: list[Word], text: str) -> list[int]:
    return [word.page for word in found if word.text == text]


def rows(count: int, height: int = 1) -> dict[str, Any]:
    cells = [[f"row{number}", "\n".join(["x"] * height), number] for number in range(count)]
    return {"columns": ["Name", "Text", "Number"], "rows": cells}


def test_six_named_categories_all_have_their_names(tmp_path: Path) -> None:
    names = ["Northern Harbour Logistics", "Southern Cross Freight", "Old Mill Bakery", "Green Valley Solar"]
    names += ["Blue Ocean Fisheries", "Central Station Retail"]
    found = words(written({"chart": chart("bar", names, [1, 2, 3, 4, 5, 6])}), tmp_path)
    said = {word.text for word in found}
    assert {part for name in names for part in name.split()} <= said
    assert len({word.top for word in found if word.text in ("Northern", "Logistics")}) == 2


def test_three_charts_share_a_page_and_fill_it(tmp_path: Path) -> None:
    charts = [{"heading": f"Chart{n}", "chart": chart("bar", periods(6), [n] * 6)} for n in range(1, 10)]
    found = words(written(*charts), tmp_path)
    assert [pages_of(found, f"Chart{n}")[0] for n in range(1, 10)] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    lowest = max(word.top for word in found if word.page == 2 and word.text == "Jan")
    assert lowest > 700


@pytest.mark.parametrize("new_page", [False, True])
def test_a_gap_without_room_takes_no_page(new_page: bool, tmp_path: Path) -> None:
    """Whatever height the last thing on a page ends at, no empty page follows."""
    for lines in range(24, 46):
        first = {"text": "\n".join(["word"] * lines), "chart": chart("bar", periods(6), [1] * 6)}
        more = [{"text": "word", "newPage": True}] if new_page else []
        found = words(written(first, *more), tmp_path)
        info = said_by("pdfinfo", "poppler-utils", tmp_path / "specimen.pdf")
        written_on = {word.page for word in found if word.text in ("word", "Jan")}
        assert f"Pages: {len(written_on)}" in " ".join(info.split()), lines


def test_a_chart_s_title_is_not_the_heading_again(tmp_path: Path) -> None:
    found = words(written({"heading": "Orders", "chart": chart("bar", ["a"], [1], title="Orders")}), tmp_path)
    assert pages_of(found, "Orders") == [1]


def test_rows_of_figures_stay_on_one_page(tmp_path: Path) -> None:
    figures = [{"label": f"Figure{n}", "value": n} for n in range(9)]
    for paragraphs in range(6, 12):
        text = "\n\n".join([LOREM * 3] * paragraphs)
        found = words(written({"text": text}, {"heading": "F", "figures": figures}), tmp_path)
        assert len({pages_of(found, f"Figure{n}")[0] for n in range(9)}) == 1


def test_a_small_table_stays_on_one_page_with_its_heading(tmp_path: Path) -> None:
    for paragraphs in range(8, 14):
        text = "\n\n".join([LOREM * 3] * paragraphs)
        found = words(written({"text": text}, {"heading": "Small", "table": rows(10)}), tmp_path)
        places = {pages_of(found, f"row{n}")[0] for n in range(10)}
        assert places == {pages_of(found, "Small")[0]}


@pytest.mark.parametrize("paragraphs", [1, 9])
def test_at_least_three_rows_stand_on_either_side_of_a_page_s_end(paragraphs: int, tmp_path: Path) -> None:
    text = "\n\n".join([LOREM * 3] * paragraphs)
    for count in range(24, 40):
        found = words(written({"text": text}, {"table": rows(count)}), tmp_path)
        pages = [pages_of(found, f"row{n}")[0] for n in range(count)]
        assert min(pages.count(page) for page in set(pages)) >= 3


def test_the_parts_of_a_wide_table_do_not_leave_one_row_behind(tmp_path: Path) -> None:
    found = words(SPECIMENS["wide"](), tmp_path)
    first = [word for word in found if word.text == "Row"]
    for part in range(0, len(first), 9):
        assert len({word.page for word in first[part : part + 9]}) == 1


def test_a_row_that_was_split_is_not_followed_by_the_header_again(tmp_path: Path) -> None:
    cells = [["Long", LOREM * 30, 1], ["Short", "x", 2]]
    text = "\n\n".join([LOREM * 3] * 9)
    table = {"columns": ["What", "Why", "Number"], "rows": cells}
    found = words(written({"text": text}, {"table": table}), tmp_path)
    headers, (short,) = pages_of(found, "Number"), pages_of(found, "Short")
    assert len(headers) == len(set(headers))
    assert short in headers


def test_the_header_of_a_column_of_numbers_takes_two_lines_at_most(tmp_path: Path) -> None:
    columns = ["Line", *([{"label": "Pay to date net", "format": "percent"}] * 6)]
    cells = [["A long name " * 9, *([0.03] * 6)]]
    found = words(written({"table": {"columns": columns, "rows": cells}}), tmp_path)
    assert len({word.top for word in found if word.text in ("Pay", "to", "date", "net")}) == 2


def test_a_figure_that_is_printed_as_zero_is_not_red(tmp_path: Path) -> None:
    figures = [{"label": "Rounded", "value": -0.004, "format": "money"}]
    path, readable = tmp_path / "zero.pdf", tmp_path / "readable.pdf"
    path.write_bytes(pdf(written({"figures": figures})))
    said_by("qpdf", "qpdf", "--qdf", "--object-streams=disable", path, readable)
    assert "$0.00" in said_by("pdftotext", "poppler-utils", path, "-")
    red = b".701961 .14902 .117647 rg"
    assert red not in readable.read_bytes()
    figures[0]["value"] = -1
    path.write_bytes(pdf(written({"figures": figures})))
    said_by("qpdf", "qpdf", "--qdf", "--object-streams=disable", path, readable)
    assert red in readable.read_bytes()


@pytest.mark.parametrize("locale", ["en-US", "fr-FR"])
def test_a_number_in_a_tile_is_never_cut(tmp_path: Path, locale: str) -> None:
    figures = [{"label": "Cash", "value": 999_999_999_999_999.0, "format": "money"}] * 4
    found = words(written({"figures": figures}, currency="CHF", locale=locale), tmp_path)
    digits = re.sub(r"\D", "", "".join(word.text for word in found if "9" in word.text))
    assert digits.count("9") == 4 * 15
    assert not any("…" in word.text for word in found)


def test_characters_that_no_font_has_are_boxes_and_told(database_url: str, tmp_path: Path) -> None:
    text = "ราคา 5 ₾ \u200e\u200b₹ €"
    found = words(written({"text": text}), tmp_path)
    assert [word.text for word in found if "□" in word.text] == ["□□□□", "□"]
    document = {"title": "T", "sections": [{"text": text}]}
    assert lost(characters_of(msgspec.convert(document, Document))) == sorted("ราค₾")
    result = export("pdf_export", {"document": document}, database_url).result
    assert result["lostCharacters"] == "".join(sorted("ราค₾"))
    plain = export("pdf_export", {"document": {"title": "T", "sections": [{}]}}, database_url).result
    assert "lostCharacters" not in plain


def test_scripts_from_right_to_left_are_refused_by_name(database_url: str) -> None:
    document = {"title": "T", "sections": [{"table": {"columns": ["Name"], "rows": [["שלום"], ["سلام"]]}}]}
    refusal = permanent(export("pdf_export", {"document": document}, database_url))
    assert "text in Arabic and Hebrew" in refusal
    assert "pptx_export" in refusal
    require_left_to_right(set("\u200f؋ ﷼ abc"))
    with pytest.raises(PermanentError, match="Syriac"):
        require_left_to_right({"\u0710"})
