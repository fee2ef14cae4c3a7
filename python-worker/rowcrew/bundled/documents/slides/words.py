"""Puts words on slides: text boxes, titles, list items and cells, from left or from right.

In: text, its size and colour. Out: paragraphs in a frame of python-pptx. Paragraphs whose first letter is
Hebrew or Arabic are marked as right-to-left: else a bracket or full stop stands at their wrong end.
"""

from __future__ import annotations

from typing import Any, Final

from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.text.text import TextFrame
from pptx.util import Emu, Inches, Pt

from rowcrew.bundled.documents.slides.charts import rgb
from rowcrew.bundled.documents.written import cleaned, is_right_to_left

_BULLET: Final = "•"
_BULLET_INDENT: Final = 0.22


def add_block(slide: Slide, left: float, top: float, width: float, height: float, color: str) -> None:
    """A filled rectangle."""
    # A box for text has no outline and no shadow, whatever the theme gives to shapes.
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
    box.fill.solid()
    box.fill.fore_color.rgb = rgb(color)


def add_text_box(slide: Slide, left: float, top: float, width: float, height: float) -> TextFrame:
    """A box without margins, whose lines wrap."""
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
    frame: TextFrame = box.text_frame
    frame.word_wrap = True
    frame.auto_size = MSO_AUTO_SIZE.NONE
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = Emu(0)
    return frame


def write_title(frame: TextFrame, text: str, color: str, size: float) -> None:
    frame.word_wrap = True
    frame.auto_size = MSO_AUTO_SIZE.NONE
    frame.vertical_anchor = MSO_ANCHOR.MIDDLE
    frame.margin_left = frame.margin_right = Emu(0)
    write(frame, " ".join(text.split()), size=size, color=color, bold=True, align=PP_ALIGN.LEFT)


def write_paragraph(frame: TextFrame, text: str, size: float, color: str, *, first: bool) -> None:
    """A paragraph, or an item of a list, whose further lines stand under its first."""
    is_item = text.startswith("- ")
    write(frame, text[2:] if is_item else text, size=size, color=color, new_paragraph=not first)
    paragraph = frame.paragraphs[-1]
    paragraph.space_after = Pt(6)
    if is_item:
        properties: Any = paragraph._p.get_or_add_pPr()
        indent = int(Inches(_BULLET_INDENT))
        properties.set("marR" if properties.get("rtl") == "1" else "marL", str(indent))
        properties.set("indent", str(-indent))
        properties.append(properties.makeelement(qn("a:buChar"), {"char": _BULLET}))


def write(
    frame: TextFrame,
    text: str,
    *,
    size: float,
    color: str,
    bold: bool = False,
    new_paragraph: bool = False,
    align: PP_ALIGN | None = None,
) -> None:
    paragraph = frame.add_paragraph() if new_paragraph else frame.paragraphs[0]
    if align is not None:
        paragraph.alignment = align
    if is_right_to_left(text):
        properties: Any = paragraph._p.get_or_add_pPr()
        properties.set("rtl", "1")
        properties.set("algn", "r")
    for place, line in enumerate(cleaned(text).split("\n")):
        if place:
            paragraph.add_line_break()
        run = paragraph.add_run()
        run.text = line
        run.font.size, run.font.bold = Pt(size), bold
        run.font.color.rgb = rgb(color)
