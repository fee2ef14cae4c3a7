"""Files become chunks that give their text back."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rowcrew.bundled.retrieval.chunking import chunks_of, text_of
from rowcrew.bundled.retrieval.reading import text_of_file
from tests.retrieval.conftest import CONSTITUTION, Library

WORDS = st.text(st.sampled_from("ab é\n.一ก\u0301"), max_size=400)


@given(WORDS, st.integers(8, 130), st.integers(0, 65))
@example("a \u0301a.a..a.", 8, 0)  # an accent on a blank
@example(" \u0301", 8, 0)
def test_chunks_without_their_overlaps_give_the_text_back(text: str, size: int, overlap: int) -> None:
    chunks = list(chunks_of(text, size, min(overlap, size // 2)))
    assert text_of(chunks) == (text if text.strip() else text_of(chunks))
    assert all(chunk.tokens <= size for chunk in chunks)
    assert all(chunk.tokens >= min(100, size) for chunk in chunks) or len(chunks) == 1
    assert not any(chunk.content.startswith("\u0301") for chunk in chunks[1:])


def test_a_file_becomes_a_document_in_five_ticks_and_is_skipped_when_it_comes_again(library: Library) -> None:
    run = library.process(CONSTITUTION)
    assert [(each["current"], each["message"]) for each in run.progress] == [
        (1, "Retrieving file…"),
        (2, "Preparing document…"),
        (3, "Generating embeddings and storing chunks…"),
        (4, "Generating embeddings and storing chunks…"),
        (5, "File processing completed"),
    ]
    assert library.text() == CONSTITUTION.decode()
    again = library.process(CONSTITUTION)
    assert again.result == {**run.result, "skippedUnchanged": True}
    other = library.process(CONSTITUTION, chunkSize=100, chunkOverlap=10)
    assert other.result["documentId"] == run.result["documentId"]
    assert library.rows("SELECT count(*) FROM documents") == [(1,)]
    assert library.rows("SELECT count(*) FROM chunks") == [(other.result["chunks"],)]


def test_the_text_of_a_page_is_what_a_reader_sees(library: Library) -> None:
    page = (
        "<!doctype html><title>A</title><style>x{}</style><p>One <b>two</b>&amp;<script>no()</script><p>three"
    )
    library.process(page.encode())
    assert library.text() == "A\n\nOne two&\n\nthree\n"


def test_a_docx_is_read_in_the_order_of_its_paragraphs_and_tables(library: Library) -> None:
    document = (
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
        "<w:p><w:r><w:t>First</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc>"
        "<w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
        "<w:p><w:r><w:t>Last</w:t></w:r></w:p></w:body></w:document>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", document)
    library.process(file.getvalue())
    assert library.text() == "First\n\na\tb\n\nLast\n\n"


def test_a_pdf_is_read_page_by_page(library: Library) -> None:
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file)
    for page in ("The first page", "The second page"):
        canvas.drawString(72, 720, page)
        canvas.showPage()
    canvas.save()
    library.process(file.getvalue())
    assert library.text().split("\n") == ["The first page", "", "The second page"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"%PDF-1.7 nonsense", "the PDF is damaged"),
        (b"PK\x03\x04 nonsense", "is an archive and no .docx"),
        (b"PK\x03\x04 word/document.xml nonsense", "the .docx is damaged"),
        (b"\xd0\xcf\x11\xe0 old", "an Office file of the old form"),
        (b"\x89PNG\r\n", "a picture"),
        (b"a\0b", "is no text"),
    ],
)
def test_what_cannot_be_read_fails_at_once_and_says_why(library: Library, content: bytes, told: str) -> None:
    assert told in library.refusal(content)


def test_two_sources_or_none_are_refused(library: Library) -> None:
    for payload in ({}, {"file_path": "a", "source": {"path": "a"}}):
        assert "exactly one of source, file_path" in str(library.process_source(payload).outcome)


def test_what_no_table_stores_is_left_out_of_the_text(library: Library) -> None:
    library.process(b"<html><p>a&#0;b&#xD800;c</p>")
    assert library.text().replace("\ufffd", "") == "abc\n"
    assert text_of_file("x\0y\r\nz".encode("utf-16"), "text", lambda: None) == "xy\nz"
