"""The type `pptx_export`: a document, or the report on a model run, as slides.

In: the payload of a job. Out: where the file is and how many slides it has. The file is stored in one commit
with the job's completion; the same payload gives the same bytes.
"""

from __future__ import annotations

from typing import Final, Literal

from rowcrew import no_transaction
from rowcrew.bundled.documents.look import LOOKS
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.exports.export import Export, Exported, keep_file, load_document
from rowcrew.context import Context, PermanentError
from rowcrew.crew import Crew

MOST_SLIDES: Final = 200
_CONTENT_TYPE: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"

crew = Crew()


class PptxExport(Export, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is exported as slides, how it looks, and of which shape; A4 and Letter lie on their long side."""

    page_size: Literal["16:9", "4:3", "A4", "Letter"] = "16:9"


class ExportedPptx(Exported, frozen=True, kw_only=True, rename="camel"):
    """The result."""

    slides: int


# A process of its own: making slides is Python all along, and would keep neighbours from running.
@crew.job("pptx_export", executor="process")
def pptx_export(payload: PptxExport, context: Context) -> ExportedPptx:
    """Export a document as slides."""
    require_pptx()
    from rowcrew.bundled.documents.slides.deck import Deck, shown

    def on_slide(slide: int, slides: int) -> None:
        if slides > MOST_SLIDES:
            raise PermanentError(f"the document has {slides:,} slides, more than the {MOST_SLIDES} allowed")
        context.progress(slide, slides, f"Rendering slide {slide} of {slides}")

    with context.transaction() as connection:
        document = load_document(payload, connection, context)
        deck = Deck(
            look=LOOKS[payload.template],
            numbers=NumberFormat(payload.locale, document.currency),
            slide_size=payload.page_size,
        )
        with no_transaction(connection):
            content, slides = shown(document, deck, on_slide)
        file = keep_file(
            payload,
            document,
            content,
            ending="pptx",
            content_type=_CONTENT_TYPE,
            connection=connection,
            context=context,
        )
    return ExportedPptx(
        key=file.key, size=file.size, sha256=file.sha256, content_type=file.content_type, slides=slides
    )


def require_pptx() -> None:
    """Say how to get python-pptx, where it is missing.

    Raises:
        PermanentError: python-pptx is not installed.
    """
    try:
        import pptx  # noqa: F401
    except ModuleNotFoundError as error:
        raise PermanentError(
            "pptx_export needs python-pptx: install it with pip install 'rowcrew[reports]'"
        ) from error
