"""The pages of the documentation, taken apart: fenced blocks with their marks, links, headings and prose.

A mark is an HTML comment right before a block, which readers of the page do not see:
`<!-- prints: UPDATE 1 -->` is text that psql must answer, `<!-- given … -->` is Python or SQL that a block
takes for granted, `<!-- file: app.py -->` and `<!-- roles: logins -->` name a block for the test that
needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FRONT = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
PAGES = sorted([*FRONT, *(ROOT / "docs").rglob("*.md")])

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>(?:(?!-->).)*?)\s*-->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: `mark` is the comment before it, `line` the page's line that opens it."""

    page: Path
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def marked(self, name: str) -> str | None:
        """What stands after `name:` (or `name`) in the mark; None if it is another mark."""
        found = re.match(rf"{name}:?\s*(.*)", self.mark, re.DOTALL)
        return found[1] if found else None


def blocks(*languages: str) -> list[Block]:
    """All blocks in these languages, page by page."""
    return [block for page in PAGES for block in _blocks(page) if block.language in languages]


def block_marked(name: str, value: str) -> Block:
    [found] = [block for page in PAGES for block in _blocks(page) if block.marked(name) == value]
    return found


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        yield Block(page, line, found["language"], found["mark"] or "", found["text"])


def prose(page: Path) -> str:
    """The page without fenced blocks and comments."""
    return re.sub(r"<!--.*?-->", "", _BLOCK.sub("", page.read_text(encoding="utf-8")), flags=re.DOTALL)


def links(page: Path) -> list[str]:
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, made as GitHub makes them."""
    return {_anchor(heading) for heading in _HEADING.findall(prose(page))}


def _anchor(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def commands() -> dict[str, str]:
    """Every command line that a page shows, with a place of it: in shell blocks, or in the prose."""
    found = {}
    for block in blocks("sh", "console", ""):
        for line in block.text.splitlines():
            found[re.sub(r"\s+#.*$", "", line.strip().removeprefix("$ "))] = str(block)
    for page in PAGES:
        for command in re.findall(r"`((?:rowcrew|\./dev) [a-z][^`…]*)`", prose(page)):
            found[" ".join(command.split())] = str(page.relative_to(ROOT))
    return found
