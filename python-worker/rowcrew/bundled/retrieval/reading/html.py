"""The text of an HTML page, as a reader sees it: without scripts and styles, blocks on lines of their own.

In: the page. Out: its text. Any page is taken, as browsers do, and read once from front to back: the parser
of the standard library looks again and again for the end of what never ends, for hours if a page is hostile.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Final, Literal

_PASSED_OVER: Final = {"template", "svg", "noscript"}
_RAW: Final = {"script": False, "style": False, "textarea": True, "title": True}  # whether it is text
_BLOCKS: Final = (
    "address article aside blockquote body dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header "
    "hr main nav ol p pre section table title ul"
)
_PARAGRAPHS: Final = frozenset(_BLOCKS.split(" "))
_LINES: Final = {"br", "dd", "div", "dt", "figcaption", "li", "option", "summary", "tr"}
_CELLS: Final = {"td", "th"}
_MARKUP: Final = re.compile(r"<(?=[a-zA-Z/!?])")
_TAG: Final = re.compile(r"</?([a-zA-Z][^\s/>]*)")
_END_OR_VALUE: Final = re.compile(r">|=\s*([\"'])")
_LOOK: Final = 4_096

Kind = Literal["text", "start", "end"]


def declared_encoding(page: bytes) -> str | None:
    """What the page says of its encoding, in its first bytes, as browsers look for it."""
    found = re.search(rb"""<meta[^>]+charset\s*=\s*["']?([\w.:-]+)""", page[:1024], re.IGNORECASE)
    return found[1].decode("ascii") if found else None


def text_of_html(page: str, stop: Callable[[], None]) -> str:
    """The text of the page. `stop` is called now and then, and raises when the run must end."""
    reader = _Reader()
    for count, (kind, value) in enumerate(_pieces(page)):
        if count % _LOOK == 0:
            stop()
        reader.take(kind, value)
    lines = (line.rstrip(" ") for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n" if reader.parts else ""


def _pieces(page: str) -> Iterator[tuple[Kind, str]]:
    """Texts and tags, in their order; a tag that ends itself is a start and an end."""
    at = 0
    while (markup := _MARKUP.search(page, at)) is not None:
        if markup.start() > at:
            yield "text", page[at : markup.start()]
        tag = _TAG.match(page, markup.start())
        at = _behind_markup(page, markup.start(), tag)
        if tag is not None:
            name = tag[1].lower()
            is_whole = page.endswith("/>", tag.end(), at)
            if tag[0][1] != "/":
                yield "start", name
                if name in _RAW and not is_whole:
                    content = page[at : _end_of_raw(page, at, name)]
                    at += len(content)
                    if _RAW[name]:
                        yield "text", content
            if tag[0][1] == "/" or is_whole:
                yield "end", name
    if at < len(page):
        yield "text", page[at:]


def _behind_markup(page: str, begin: int, tag: re.Match[str] | None) -> int:
    """Where the page goes on; what never ends lasts to the end of the page."""
    if page.startswith("<!--", begin):
        return _behind(page, "-->", begin + 2)
    if tag is None:
        return _behind(page, ">", begin)
    at = tag.end()
    while (sign := _END_OR_VALUE.search(page, at)) is not None:
        if sign[1] is None:
            return sign.end()
        at = _behind(page, sign[1], sign.end())
    return len(page)


def _behind(page: str, sign: str, at: int) -> int:
    found = page.find(sign, at)
    return len(page) if found < 0 else found + len(sign)


def _end_of_raw(page: str, at: int, name: str) -> int:
    end = re.compile(f"</{name}", re.IGNORECASE).search(page, at)
    return len(page) if end is None else end.start()


class _Reader:
    """Collects the text of a page, in `parts`."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._passing_over = ""
        self._depth = 0
        self._preformatted = 0

    def take(self, kind: Kind, value: str) -> None:
        if self._passing_over:
            self._depth += (value == self._passing_over) * {"start": 1, "end": -1, "text": 0}[kind]
            if self._depth == 0:
                self._passing_over = ""
        elif kind == "text":
            self._text(html.unescape(value))
        elif kind == "start" and value in _PASSED_OVER:
            self._passing_over, self._depth = value, 1
        else:
            if value == "pre":
                self._preformatted = max(0, self._preformatted + (1 if kind == "start" else -1))
            self._break(value)

    def _text(self, text: str) -> None:
        if self._preformatted:
            self.parts.append(text)
        elif text := re.sub(r"[ \t\n\r\f]+", " ", text):
            follows_blank = not self.parts or self.parts[-1].endswith((" ", "\n", "\t"))
            self.parts.append(text.lstrip(" ") if follows_blank else text)

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag in _LINES:
            self.parts.append("\n")
        elif tag in _CELLS and self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\t")
