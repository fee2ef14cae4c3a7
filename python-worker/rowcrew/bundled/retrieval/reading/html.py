"""The text of an HTML page, as a reader sees it: without scripts and styles, blocks on lines of their own.

In: the page. Out: its text. The parser of the standard library takes any page, as browsers do.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

_PASSED_OVER: Final = {"script", "style", "template", "svg", "noscript"}
_BLOCKS: Final = (
    "address article aside blockquote body dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header "
    "hr main nav ol p pre section table title ul"
)
_PARAGRAPHS: Final = frozenset(_BLOCKS.split(" "))
_LINES: Final = {"br", "dd", "div", "dt", "figcaption", "li", "option", "summary", "tr"}
_CELLS: Final = {"td", "th"}


def declared_encoding(page: bytes) -> str | None:
    """What the page says of its encoding, in its first bytes, as browsers look for it."""
    found = re.search(rb"""<meta[^>]+charset\s*=\s*["']?([\w.:-]+)""", page[:1024], re.IGNORECASE)
    return found[1].decode("ascii") if found else None


def text_of_html(page: str) -> str:
    """The text of the page."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    lines = (line.strip(" ") for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n" if reader.parts else ""


class _Reader(HTMLParser):
    """Collects the text of a page, in `parts`."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._passing_over: list[str] = []
        self._preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in _PASSED_OVER:
            self._passing_over.append(tag)
        self._preformatted += tag == "pre"
        self._break(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _PASSED_OVER:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._passing_over:
            del self._passing_over[self._passing_over.index(tag) :]
        self._preformatted = max(0, self._preformatted - (tag == "pre"))
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if self._passing_over:
            return
        if self._preformatted:
            self.parts.append(data)
        elif text := re.sub(r"[ \t\n\r\f]+", " ", data):
            follows_blank = not self.parts or self.parts[-1].endswith((" ", "\n", "\t"))
            self.parts.append(text.lstrip(" ") if follows_blank else text)

    def _break(self, tag: str) -> None:
        if self._passing_over:
            return
        if tag in _PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag in _LINES:
            self.parts.append("\n")
        elif tag in _CELLS and self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\t")
