"""The type `pptx_export`, its files read by python-pptx and LibreOffice."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from pptx import Presentation

from rowcrew.bundled.documents.document import Document
from rowcrew.bundled.documents.look import LOOKS
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.slides.deck import Deck, shown
from rowcrew.bundled.exports.pptx_export import MOST_SLIDES
from tests.bundled.exports import (
    amounts,
    documents,
    export,
    model_result,
    pdf_text,
    permanent,
    said_by,
    stored,
)
from tests.conftest import Connect


def shapes(presentation: Any) -> list[Any]:
    return [shape for slide in presentation.slides for shape in slide.shapes]


def deck(template: Any = "board", slide_size: Any = "16:9") -> Deck:
    return Deck(look=LOOKS[template], numbers=NumberFormat("en-US", "USD"), slide_size=slide_size)


def test_the_charts_are_native_and_hold_the_numbers_of_the_model_run(
    database_url: str, connect: Connect, tmp_path: Path
) -> None:
    result = model_result(database_url)
    run = export("pptx_export", {"modelRunId": result["modelRunId"]}, database_url)
    presentation = Presentation(str(stored(connect(), run.result, tmp_path)))
    slides = run.result["slides"]
    assert len(presentation.slides) == slides
    assert run.progress[-1]["message"] == f"Rendering slide {slides} of {slides}"
    assert all(slide.shapes.title.text for slide in presentation.slides)
    cash = next(shape.chart for shape in shapes(presentation) if shape.has_chart)
    for series in cash.plots[0].series:
        monthly = result["scenarios"][series.name]["monthly"]
        assert list(series.values) == [month["cash"] for month in monthly]
    cells = {
        cell.text
        for shape in shapes(presentation)
        if shape.has_table
        for row in shape.table.rows
        for cell in row.cells
    }
    for scenario in result["scenarios"]:
        assert set(amounts(result, scenario)) <= cells


def test_libreoffice_shows_every_slide_and_amount(
    database_url: str, connect: Connect, tmp_path: Path
) -> None:
    result = model_result(database_url)
    exported = export("pptx_export", {"modelRunId": result["modelRunId"]}, database_url).result
    path = stored(connect(), exported, tmp_path)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    said_by(
        "soffice", "libreoffice-impress", profile, "--headless", "--convert-to", "pdf",
        "--outdir", tmp_path, path,
    )  # fmt: skip
    converted = path.with_suffix(".pdf")
    assert f"Pages:           {exported['slides']}\n" in said_by("pdfinfo", "poppler-utils", converted)
    text = pdf_text(converted)
    assert [number for number in amounts(result, "base") if number not in text] == []


def test_the_same_document_gives_the_same_file(database_url: str, connect: Connect, tmp_path: Path) -> None:
    result = model_result(database_url)
    files = []
    for directory in ("one", "other"):
        exported = export("pptx_export", {"modelRunId": result["modelRunId"]}, database_url).result
        (tmp_path / directory).mkdir()
        files.append(stored(connect(), exported, tmp_path / directory).read_bytes())
    one, other = files
    assert contents(one) == contents(other)
    assert one == other


def test_no_part_of_the_file_tells_when_it_was_made() -> None:
    chart = {"type": "bar", "categories": ["a"], "series": [{"name": "s", "values": [1]}]}
    document = {"title": "T", "sections": [{"chart": chart}]}
    content, _ = shown(msgspec.convert(document, Document), deck(), lambda slide, slides: None)
    this_year = str(datetime.now(UTC).year)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
        assert this_year not in archive.read("docProps/core.xml").decode()
        (workbook,) = [name for name in archive.namelist() if name.endswith(".xlsx")]
        with zipfile.ZipFile(io.BytesIO(archive.read(workbook))) as inner:
            assert this_year not in inner.read("docProps/core.xml").decode()


def contents(file: bytes) -> dict[str, str]:
    """The hash of every part."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


@settings(max_examples=25)
@given(document=documents())
def test_no_text_and_no_number_stops_a_document(document: dict[str, Any]) -> None:
    content, slides = shown(msgspec.convert(document, Document), deck("investor"), lambda slide, slides: None)
    assert len(Presentation(io.BytesIO(content)).slides) == slides


@pytest.mark.parametrize("slide_size", ["16:9", "4:3", "A4", "Letter"])
def test_nothing_stands_beyond_the_edge_of_its_slide(slide_size: str) -> None:
    sections = [
        {"figures": [{"label": "l", "value": 5}] * 12, "text": "word " * 3000},
        {"table": {"columns": ["a"] * 40, "rows": [[-1234567.89] * 40] * 50}},
        {"table": {"columns": ["What", "Why"], "rows": [["語" * 900, "word " * 900]]}},
    ]
    document = {"title": "T" * 100, "sections": sections}
    content, slides = shown(
        msgspec.convert(document, Document), deck(slide_size=slide_size), lambda slide, slides: None
    )
    presentation = Presentation(io.BytesIO(content))
    assert slides > 10
    for shape in shapes(presentation):
        assert shape.left >= 0
        assert shape.left + shape.width <= presentation.slide_width
        assert shape.top + shape.height <= presentation.slide_height


def test_a_label_does_not_become_a_formula_of_the_chart_s_workbook() -> None:
    chart = {"type": "bar", "categories": ["=1+1"], "series": [{"name": "=HYPERLINK(1)", "values": [1]}]}
    document = {"title": "T", "sections": [{"chart": chart}]}
    content, _ = shown(msgspec.convert(document, Document), deck(), lambda slide, slides: None)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (workbook,) = [name for name in archive.namelist() if name.endswith(".xlsx")]
        with zipfile.ZipFile(io.BytesIO(archive.read(workbook))) as sheet:
            assert b"<f>" not in sheet.read("xl/worksheets/sheet1.xml")


def test_more_slides_than_allowed_are_refused(database_url: str) -> None:
    document = {"title": "Long", "sections": [{"text": "x"}] * MOST_SLIDES}
    assert "201 slides, more than the 200" in permanent(
        export("pptx_export", {"document": document}, database_url)
    )
