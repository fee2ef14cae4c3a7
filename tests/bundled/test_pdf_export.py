"""The type `pdf_export`, its files read by poppler and qpdf."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from rowcrew.bundled import crew
from rowcrew.bundled.documents.document import Document
from rowcrew.bundled.documents.look import LOOKS
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.paper.pages import printed
from rowcrew.bundled.documents.paper.sheet import MARGIN, Paper
from rowcrew.bundled.exports.pdf_export import MOST_PAGES
from rowcrew.model.outcome import Released, Snoozed
from rowcrew.testing import run_handler
from tests.bundled.exports import (
    amounts,
    documents,
    export,
    insert_job,
    model_result,
    pdf_text,
    permanent,
    said_by,
    stored,
)
from tests.conftest import Connect

NOTE = {"title": "A note", "sections": [{"heading": "One", "text": "Words"}]}


@pytest.mark.parametrize("template", ["board", "plain"])
def test_every_amount_of_the_model_run_stands_in_the_report(
    template: str, database_url: str, connect: Connect, tmp_path: Path
) -> None:
    result = model_result(database_url)
    job = insert_job(connect(), "model_run", "completed", result)
    exported = export("pdf_export", {"jobId": job}, database_url, template=template).result
    printed_numbers = pdf_text(stored(connect(), exported, tmp_path)).split()
    for scenario in result["scenarios"]:
        wanted = amounts(result, scenario)
        assert [number for number in wanted if number not in printed_numbers] == []
    assert {"10.86", "6.67", "2,666.67"} <= set(printed_numbers)


def test_a_kept_run_and_its_job_give_the_same_file(database_url: str, connect: Connect) -> None:
    result = model_result(database_url)
    job = insert_job(connect(), "model_run", "completed", result)
    one = export("pdf_export", {"jobId": str(job)}, database_url).result
    other = export("pdf_export", {"modelRunId": result["modelRunId"]}, database_url).result
    assert one == other
    ((files,),) = connect().execute("SELECT count(*) FROM blobs")
    assert files == 1


def test_a_result_that_stands_in_a_file_is_read_from_there(database_url: str) -> None:
    result = model_result(database_url, months=600)
    assert "key" in result
    exported = export("pdf_export", {"modelRunId": result["modelRunId"]}, database_url).result
    assert exported["pages"] > 20


def test_another_look_is_another_file(database_url: str, connect: Connect) -> None:
    looks: list[dict[str, Any]] = [
        {},
        {"template": "plain"},
        {"locale": "de-DE"},
        {"pageSize": "Letter"},
        {"title": "Other"},
    ]
    keys = {export("pdf_export", {"document": NOTE}, database_url, **look).result["key"] for look in looks}
    assert len(keys) == len(looks)
    named = export("pdf_export", {"document": NOTE}, database_url, output={"key": "2027/note.pdf"}).result
    assert named["key"] == "jobs/1/2027/note.pdf"


@pytest.mark.parametrize("template", ["board", "investor", "plain"])
def test_the_file_is_sound_and_says_what_it_is(
    template: str, database_url: str, connect: Connect, tmp_path: Path
) -> None:
    result = model_result(database_url)
    run = export("pdf_export", {"modelRunId": result["modelRunId"]}, database_url, template=template)
    path = stored(connect(), run.result, tmp_path)
    assert "No syntax or stream encoding errors" in said_by("qpdf", "qpdf", "--check", path)
    facts = said_by("pdfinfo", "poppler-utils", path)
    assert re.search(rf"Pages: +{run.result['pages']}\n", facts)
    assert "(A4)" in facts
    pages = run.result["pages"]
    assert run.progress[-1] == {
        "current": pages,
        "total": pages,
        "message": f"Rendering page {pages} of {pages}",
    }
    assert f"Page {pages} of {pages}" in pdf_text(path)
    assert run.result["bytes"] == path.stat().st_size
    assert run.result["contentType"] == "application/pdf"


def test_letter_paper_has_its_size(database_url: str, connect: Connect, tmp_path: Path) -> None:
    exported = export("pdf_export", {"document": NOTE}, database_url, pageSize="Letter").result
    assert "612 x 792" in said_by("pdfinfo", "poppler-utils", stored(connect(), exported, tmp_path))


def test_currencies_and_scripts_are_drawn_with_embedded_fonts(
    database_url: str, connect: Connect, tmp_path: Path
) -> None:
    words = "₹12,34,567 €5 日本語 中文 한국어 Ελλάδα Україна → ▲"
    figures = [{"label": "Übersicht", "value": 1234567, "format": "money", "decimals": 0}]
    chart = {"type": "bar", "categories": ["東京", "서울"], "series": [{"name": "₹", "values": [1, -2]}]}
    document = {
        "title": words,
        "currency": "INR",
        "footer": words,
        "sections": [{"heading": words, "text": words, "figures": figures, "chart": chart}],
    }
    exported = export("pdf_export", {"document": document}, database_url, locale="en-IN").result
    path = stored(connect(), exported, tmp_path)
    text = pdf_text(path)
    assert all(word in text for word in [*words.split(), "₹12,34,567", "東京", "서울"])
    header, _, *fonts = said_by("pdffonts", "poppler-utils", path).splitlines()
    embedded = header.index("emb")
    assert [font[embedded : embedded + 3].strip() for font in fonts] == ["yes"] * 5


def test_nothing_is_written_over_the_margin(tmp_path: Path) -> None:
    wide = {
        "columns": ["Line", *(f"Month number {month}" for month in range(30))],
        "rows": [["A long name " * 4, *(-1234567.89 * month for month in range(30))]] * 90,
    }
    texts = {"columns": ["What", "Why"], "rows": [["W" * 400, "word " * 900], ["語" * 300, "x"]]}
    sections = [
        {"heading": "H" * 200, "text": "x" * 3000},
        {"table": wide},
        {"table": texts},
        {"figures": [{"label": "L" * 80, "value": "V" * 80, "note": "N" * 80}] * 7},
    ]
    document = {"title": "T" * 200, "footer": "F" * 300, "sections": sections}
    content, _ = printed(msgspec.convert(document, Document), paper(), lambda page, pages: None)
    path = tmp_path / "wide.pdf"
    path.write_bytes(content)
    words = said_by("pdftotext", "poppler-utils", "-bbox", path, "-")
    boxes = re.findall(r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)"', words)
    assert len(boxes) > 2000
    right = paper().width - MARGIN + 1
    outside = [box for box in boxes if float(box[0]) < MARGIN - 1 or float(box[2]) > right]
    assert outside == []


@settings(max_examples=25)
@given(document=documents())
def test_no_text_and_no_number_stops_a_document(document: dict[str, Any]) -> None:
    given = msgspec.convert(document, Document)
    one = printed(given, paper("investor"), lambda page, pages: None)
    assert one == printed(given, paper("investor"), lambda page, pages: None)
    assert one[1] >= 2


def paper(template: Any = "board") -> Paper:
    return Paper(look=LOOKS[template], numbers=NumberFormat("en-US", "USD"), page_size="A4")


def test_more_pages_than_allowed_are_refused(database_url: str) -> None:
    document = {"title": "Long", "sections": [{"text": "x", "newPage": True}] * (MOST_PAGES + 1)}
    run = export("pdf_export", {"document": document}, database_url)
    assert "more than the 300 pages" in permanent(run)
    assert len(run.progress) == MOST_PAGES
    del document["sections"][-1]  # type: ignore[attr-defined]
    assert export("pdf_export", {"document": document}, database_url).result["pages"] == MOST_PAGES


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        ({"source": {"document": NOTE}, "template": "fancy"}, "payload.template"),
        ({"source": {"document": NOTE}, "locale": "xx"}, "payload.locale"),
        ({"source": {"document": NOTE}, "pageSize": "A3"}, "payload.pageSize"),
        ({"source": {"document": NOTE}, "output": {"key": "../x"}}, "payload.output"),
        ({"source": {}}, "jobId, modelRunId, document"),
        ({"source": {"jobId": 1, "document": NOTE}}, "jobId, modelRunId, document"),
        ({"source": {"document": {"title": "T", "sections": []}}}, "sections"),
        ({"source": {"document": {"title": "T", "sections": [{"chart": {"type": "pie"}}]}}}, "chart"),
        ({"source": {"jobId": 999}}, "source.jobId 999"),
        ({"source": {"modelRunId": "999"}}, "source.modelRunId 999"),
    ],
)
def test_what_cannot_be_exported_is_refused_by_name(
    payload: dict[str, Any], named: str, database_url: str
) -> None:
    assert named in permanent(run_handler(crew, "pdf_export", payload, database_url=database_url))


def test_series_and_rows_must_have_as_many_values_as_their_heads(database_url: str) -> None:
    chart = {"type": "bar", "categories": ["a", "b"], "series": [{"name": "s", "values": [1]}]}
    table = {"columns": ["a", "b"], "rows": [["x"]]}
    for part, complaint in (({"chart": chart}, "1 values for 2"), ({"table": table}, "1 cells for 2")):
        document = {"title": "T", "sections": [part]}
        assert complaint in permanent(export("pdf_export", {"document": document}, database_url))


def test_an_export_waits_for_its_run_and_not_for_a_failed_one(database_url: str, connect: Connect) -> None:
    queued = insert_job(connect(), "model_run", "queued")
    assert isinstance(export("pdf_export", {"jobId": queued}, database_url).outcome, Snoozed)
    failed = insert_job(connect(), "model_run", "failed")
    assert "is failed and has no result" in permanent(export("pdf_export", {"jobId": failed}, database_url))
    other = insert_job(connect(), "csv_import", "completed", {})
    assert "of type csv_import" in permanent(export("pdf_export", {"jobId": other}, database_url))


def test_a_cancelled_export_stops_at_its_page_and_leaves_no_file(database_url: str, connect: Connect) -> None:
    document = {"title": "Long", "sections": [{"text": "x", "newPage": True}] * 50}
    run = run_handler(
        crew,
        "pdf_export",
        {"source": {"document": document}},
        database_url=database_url,
        stop_at_progress=20,
    )
    assert isinstance(run.outcome, Released)
    assert len(run.progress) == 20
    assert connect().execute("SELECT key FROM blobs").fetchall() == []
