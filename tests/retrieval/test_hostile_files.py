"""Files that are damaged, hostile, or not what they are called: each is read or refused, in time."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable

import pytest

from rowcrew.bundled.retrieval.file_types import FileType, file_type_of
from rowcrew.bundled.retrieval.reading import text_of_file
from rowcrew.context import PermanentError, RunStopped

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
TEXT = b"BT /F1 12 Tf 72 720 Td (Hello world) Tj ET"
LAUGHS = "<!DOCTYPE l [<!ENTITY a 'lololololo'>" + "".join(
    f"<!ENTITY {chr(98 + number)} '{f'&{chr(97 + number)};' * 10}'>" for number in range(9)
)


def read(content: bytes, name: str = "", type: FileType | None = None) -> str:
    return text_of_file(content, type or file_type_of(content, name), lambda: None)


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def docx(body: str, *, name: str = "word/document.xml", before: str = "", encoding: str = "utf-8") -> bytes:
    document = f"{before}<w:document {WORD}><w:body>{body}</w:body></w:document>"
    relation = f'<R><Relationship Type="{RELATED}officeDocument" Target="/{name}"/></R>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, document.encode(encoding))
        archive.writestr("_rels/.rels", relation)
    return file.getvalue()


def stream(content: bytes, facts: bytes = b"") -> bytes:
    return b"<</Length %d %s>>\nstream\n%s\nendstream" % (len(content), facts, content)


def pdf(contents: bytes, *others: bytes, resources: bytes = b"") -> bytes:
    """A PDF of one page, without its table of places: a reader looks for the objects."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>%s>>>>"
        % resources,
        contents,
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *others,
    )
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, each) for number, each in enumerate(objects, 1))
    return b"%PDF-1.7\n" + body + b"trailer\n<</Root 1 0 R/Size 9>>\nstartxref\n0\n%%EOF"


@pytest.mark.parametrize("unit", ["<", "<!", "<!--", "</", "<a ", '<a ="', "<script>", "<svg>", "&", "<p ='"])
@pytest.mark.timeout(60)
def test_a_page_whose_markup_never_ends_is_read_in_time(unit: str) -> None:
    read((unit * 200_000).encode(), type="html")


def test_a_page_is_left_when_the_run_must_end() -> None:
    def stop() -> None:
        raise RunStopped

    with pytest.raises(RunStopped):
        text_of_file(b"<p>x" * 10, "html", stop)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("body test<p>p test</p><p>2 <br>after break</p>", "body test\n\np test\n\n2\nafter break\n"),
        ("</td></tr></tbody></table>x", "x\n"),
        ("a < b <3 c &lt;d> AT&T &#x1F600;", "a < b <3 c <d> AT&T \U0001f600\n"),
        ('<a title="1 > 0" href=x/y>ok</a>', "ok\n"),
        ("<script>if (a<b) '</p>'</script><p>seen", "seen\n"),
        ('<script src="x"/><p>seen', "seen\n"),
        ("<title>a<b & c</title><p>d", "a<b & c\n\nd\n"),
        ("<svg><svg>no</svg>no</svg><svg/>yes", "yes\n"),
        ("a<!-- <p>no -->b<?xml no?>c<!doctype no>d", "abcd\n"),
        ("<pre>a  b\n c</pre>d  e", "a  b\n c\n\nd e\n"),
    ],
)
def test_a_page_is_read_as_a_browser_shows_it(page: str, text: str) -> None:
    assert read(page.encode(), type="html") == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<w:p><w:hyperlink><w:r><w:t>a link</w:t></w:r></w:hyperlink></w:p>", "a link\n\n"),
        (f"<w:sdt><w:sdtContent>{paragraph('in a field')}</w:sdtContent></w:sdt>", "in a field\n\n"),
        ("<w:p><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>", "new\n\n"),
        (f"<w:tbl><w:tr><w:tc>{paragraph('a')}{paragraph('b')}</w:tc></w:tr></w:tbl>", "a b\n\n"),
    ],
)
def test_a_docx_keeps_nothing_that_a_reader_sees_to_itself(body: str, text: str) -> None:
    assert read(docx(body)) == text


def test_a_docx_is_read_whatever_its_document_is_called_and_however_it_is_encoded() -> None:
    assert read(docx(paragraph("numbered"), name="word/document2.xml")) == "numbered\n\n"
    assert read(docx(paragraph("Windows"), name="word\\document.xml")) == "Windows\n\n"
    wide = docx(paragraph("wide"), before='<?xml version="1.0" encoding="UTF-16"?>', encoding="utf-16")
    assert read(wide) == "wide\n\n"


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: docx(paragraph("a" * 60_000_000)), "unpacks to more than 50,000,000 bytes"),
        (lambda: docx("<w:x>" * 50_000 + "</w:x>" * 50_000), "nested too deep"),
        (lambda: docx(paragraph("&j;"), before=f"{LAUGHS}]>"), "declares a document type"),
        (
            lambda: docx(
                paragraph("&j;"),
                before=f'<?xml version="1.0" encoding="UTF-16"?>{LAUGHS}]>',
                encoding="utf-16",
            ),
            "amplification",
        ),
        (lambda: docx(paragraph("x")).replace(b"\x14\0\0\0\x08", b"\x14\0\x01\0\x08"), "is encrypted"),
        (lambda: docx(paragraph("x"))[:200] + b"word/document.xml", "the .docx is damaged"),
    ],
    ids=["bomb", "deep", "entities", "wide entities", "encrypted", "cut off"],
)
def test_a_docx_that_would_take_too_much_or_cannot_be_read_is_refused(
    made: Callable[[], bytes], told: str
) -> None:
    with pytest.raises(PermanentError, match=told):
        read(made())


def test_notes_of_a_docx_are_read_where_they_are_named_and_there() -> None:
    file = io.BytesIO(docx(paragraph("text")))
    relations = "".join(
        f'<Relationship Type="{RELATED}{kind}" Target="{target}"/>'
        for kind, target in (("footnotes", "footnotes2.xml"), ("endnotes", "NULL"), ("image", "../NULL"))
    )
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("word/_rels/document.xml.rels", f"<R>{relations}</R>")
        archive.writestr("word/footnotes2.xml", f"<w:footnotes {WORD}>{paragraph('note')}</w:footnotes>")
    assert read(file.getvalue()) == "text\n\nnote\n\n"


def test_a_pdf_whose_picture_contains_itself_is_read() -> None:
    own = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</Font<</F1 5 0 R>>/XObject<</X 6 0 R>>>>"
    form = stream(TEXT + b" /X Do", own)
    assert "Hello world" in read(pdf(stream(TEXT + b" /X Do"), form, resources=b"/XObject<</X 6 0 R>>"))


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: pdf(stream(TEXT)).replace(b"/Kids[3 0 R]", b"/Kids[2 0 R]"), "the PDF is damaged"),
        (
            lambda: pdf(stream(TEXT)).replace(b"2 0 R>>", b"2 0 R/X " + b"[" * 5_000 + b">>", 1),
            "the PDF is damaged",
        ),
        (
            lambda: pdf(stream(zlib.compress(b" " * 200_000_000, 9), b"/Filter/FlateDecode")),
            "unpacks to too much",
        ),
        (lambda: pdf(stream(b"")), "has text"),
    ],
    ids=["its pages contain themselves", "deep", "bomb", "empty"],
)
def test_a_pdf_that_would_take_too_much_or_has_no_text_is_refused(
    made: Callable[[], bytes], told: str
) -> None:
    with pytest.raises(PermanentError, match=told):
        read(made())


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_a_pdf_that_only_restricts_printing_is_read_and_one_with_a_password_is_not(algorithm: str) -> None:
    from pypdf import PdfWriter

    files = []
    for password in ("", "secret"):
        writer = PdfWriter(clone_from=io.BytesIO(pdf(stream(TEXT))))
        writer.encrypt(password, "owner", algorithm=algorithm)
        file = io.BytesIO()
        writer.write(file)
        files.append(file.getvalue())
    assert "Hello world" in read(files[0])
    with pytest.raises(PermanentError, match="needs a password"):
        read(files[1])


def test_a_file_is_what_its_content_says_before_what_it_is_called() -> None:
    assert read(docx(paragraph("x")), "report.pdf") == "x\n\n"
    assert file_type_of(pdf(stream(TEXT)), "page.html") == "pdf"
    assert file_type_of(b"<!DOCTYPE html><p>x", "") == "html"
    assert read(b"<h3 align='center'>\n<?xml x?>", "README.md") == "<h3 align='center'>\n<?xml x?>"
    assert read("x = 'é'\r\n".encode("utf-16"), "a.py") == "x = 'é'\n"


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"hello", "report.pdf", "is called pdf and is none"),
        (b"hello", "report.docx", "is called docx and is none"),
        (b"{\\rtf1 hello}", "report.docx", "rich text"),
        (b"%!PS-Adobe", "x.txt", "PostScript"),
        (b"G@\0\x10", "video.ts", "is no text"),
    ],
)
def test_a_file_that_is_not_what_it_is_called_is_refused_by_name(
    content: bytes, name: str, told: str
) -> None:
    with pytest.raises(PermanentError, match=told):
        read(content, name)
