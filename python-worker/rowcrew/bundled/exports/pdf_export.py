"""The type `pdf_export`: a document, or the report on a model run, as PDF.

In: the payload of a job. Out: where the file is and how many pages it has. The file is stored in one commit
with the job's completion; the same payload gives the same bytes.
"""

from __future__ import annotations

import unicodedata
from typing import Final, Literal

from rowcrew import no_transaction
from rowcrew.bundled.documents.document import characters_of
from rowcrew.bundled.documents.look import LOOKS
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.exports.export import Export, Exported, keep_file, load_document
from rowcrew.context import Context, PermanentError
from rowcrew.crew import Crew

MOST_PAGES: Final = 300
_MOST_LOST: Final = 100

crew = Crew()


class PdfExport(Export, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is exported as PDF, how it looks, and on which paper."""

    page_size: Literal["A4", "Letter"] = "A4"


class ExportedPdf(Exported, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The result.

    Attributes:
        lost_characters: for which boxes are drawn, because no font has them; not there if there are none.
    """

    pages: int
    lost_characters: str = ""


# A process of its own: laying out is Python all along, and would keep neighbours from running.
@crew.job("pdf_export", executor="process")
def pdf_export(payload: PdfExport, context: Context) -> ExportedPdf:
    """Export a document as PDF."""
    require_reportlab()
    from rowcrew.bundled.documents.paper.fonts import lost
    from rowcrew.bundled.documents.paper.pages import printed
    from rowcrew.bundled.documents.paper.sheet import Paper

    def on_page(page: int, pages: int | None) -> None:
        if page > MOST_PAGES:
            raise PermanentError(f"the document has more than the {MOST_PAGES} pages allowed")
        verb = "Laying out" if pages is None else "Rendering"
        context.progress(page, pages, f"{verb} page {page}" + (f" of {pages}" if pages else ""))

    with context.transaction() as connection:
        document = load_document(payload, connection, context)
        paper = Paper(
            look=LOOKS[payload.template],
            numbers=NumberFormat(payload.locale, document.currency),
            page_size=payload.page_size,
        )
        with no_transaction(connection):
            characters = characters_of(document)
            require_left_to_right(characters)
            content, pages = printed(document, paper, on_page)
        file = keep_file(
            payload,
            document,
            content,
            ending="pdf",
            content_type="application/pdf",
            connection=connection,
            context=context,
        )
    return ExportedPdf(
        key=file.key,
        size=file.size,
        sha256=file.sha256,
        content_type=file.content_type,
        pages=pages,
        lost_characters="".join(lost(characters))[:_MOST_LOST],
    )


def require_left_to_right(characters: set[str]) -> None:
    """Refuse scripts that are written from right to left: pages would show them backwards.

    Raises:
        PermanentError: names the scripts and the way out.
    """
    scripts = {
        unicodedata.name(each, "").partition(" ")[0].capitalize()
        for each in characters
        if unicodedata.bidirectional(each) in ("R", "AL") and unicodedata.category(each).startswith("L")
    }
    if named := sorted(scripts - {""}):
        raise PermanentError(
            f"the document has text in {' and '.join(named)}, which pdf_export would set backwards: "
            "export it with pptx_export, and save the slides as PDF"
        )


def require_reportlab() -> None:
    """Say how to get reportlab, where it is missing.

    Raises:
        PermanentError: reportlab is not installed.
    """
    try:
        import reportlab  # noqa: F401
    except ModuleNotFoundError as error:
        raise PermanentError(
            "pdf_export needs reportlab: install it with pip install 'rowcrew[reports]'"
        ) from error
