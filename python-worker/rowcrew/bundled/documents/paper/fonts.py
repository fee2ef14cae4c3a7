"""The fonts of pages, all embedded: one for text, others for the characters that it lacks.

In: any text. Out: the text in runs of one font each, as markup or with its width. The standard fonts of PDF
have neither the sign of the rupee nor Chinese, Japanese or Korean.
"""

from __future__ import annotations

import functools
import itertools
import unicodedata
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR: Final = "RowcrewText"
BOLD: Final = "RowcrewTextBold"
_FILES: Final = {
    REGULAR: "Lato-Regular.ttf",
    BOLD: "Lato-Bold.ttf",
    "RowcrewSymbols": "DejaVuSans.ttf",
    "RowcrewHan": "DroidSansFallbackFull.ttf",
    "RowcrewHangul": "RowcrewHangul.ttf",
}
_FALLBACKS: Final = ("RowcrewSymbols", "RowcrewHan", "RowcrewHangul")
# What stands for a character that no font has.
_BOX: Final = "\u25a1"
_UNSEEN: Final = ("Cc", "Cf", "Cs", "Mn")
_DIRECTORY: Final = Path(__file__).parent / "fonts"
_HAN_RANGES: Final = (("\u2e80", "\u9fff"), ("\uac00", "\ud7a3"), ("\uf900", "\ufaff"), ("\uff00", "\uffef"))


@functools.cache
def loaded(name: str) -> TTFont:
    """The font of that name, known to reportlab; read from its file when first asked for."""
    # Unshaped, so that no font needs another library; `pdf_export` refuses right-to-left scripts.
    font = TTFont(name, str(_DIRECTORY / _FILES[name]), shapable=False)
    pdfmetrics.registerFont(font)
    return font


def register() -> None:
    """Make the text fonts known to reportlab."""
    for name in (REGULAR, BOLD):
        loaded(name)


def runs(text: str, font: str) -> list[tuple[str, str]]:
    """The text in parts (font, text): in `font`, but for characters that only another one has.

    A box stands for a character that none has; what nobody should see is left out.
    """
    if is_plain(text, font):
        return [(font, text)] if text else []
    chosen = [_drawn(character, font) for character in text]
    return [
        (name, "".join(character for _, character in group))
        for name, group in itertools.groupby((pair for pair in chosen if pair[0]), key=lambda pair: pair[0])
    ]


def lost(characters: set[str]) -> list[str]:
    """Those of the characters for which a box is drawn, in order."""
    register()
    return sorted(each for each in characters if each != _BOX and _drawn(each, REGULAR)[1] == _BOX)


def markup(text: str, font: str) -> str:
    """The text for a Paragraph of that font: nothing in it is markup, other fonts are named."""
    parts: list[str] = []
    for name, part in runs(text, font):
        escaped = escape(part).replace("\n", "<br/>")
        parts.append(escaped if name == font else f'<font name="{name}">{escaped}</font>')
    return "".join(parts)


def width(text: str, font: str, size: float) -> float:
    """How wide a line of text is, in points."""
    return sum(float(pdfmetrics.stringWidth(part, name, size)) for name, part in runs(text, font))


def is_plain(text: str, font: str) -> bool:
    """Whether the font alone can write the text."""
    return _characters(font).issuperset(text)


def is_mostly_han(text: str) -> bool:
    """Whether lines may break between any two characters, as Chinese, Japanese and Korean do."""
    han = sum(any(first <= character <= last for first, last in _HAN_RANGES) for character in text)
    return 2 * han > len(text)


@functools.cache
def _characters(font: str) -> frozenset[str]:
    """What the font can write; the end of a line is no character to write.

    Marks of direction are none either, though fonts have pictures of them.
    """
    drawn = map(chr, loaded(font).face.charToGlyph)
    return frozenset(each for each in drawn if unicodedata.category(each) != "Cf") | {"\n"}


@functools.lru_cache(maxsize=4096)
def _drawn(character: str, font: str) -> tuple[str, str]:
    """The font that has the character, and what it draws; no font for what nobody should see."""
    if character in _characters(font):
        return font, character
    if unicodedata.category(character) in _UNSEEN:
        return "", ""
    for name in _FALLBACKS:
        if character in _characters(name):
            return name, character
    return _FALLBACKS[0], _BOX
