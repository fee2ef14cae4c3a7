"""How companies word their filings: what stands in each sort of letter, with places for what is told.

In: a file of letters. Out: the letters by category. A place such as `{money}` is filled anew each time it
stands. They are worded as real filings are, not as the patterns that read them; a second set, which nobody
looks at while working on patterns, is in the tests.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import NamedTuple


class Wording(NamedTuple):
    """A letter: the subject line, and its paragraphs."""

    subject: str
    paragraphs: tuple[str, ...]


Wordings = Mapping[str, tuple[Wording, ...]]


def usual() -> Wordings:
    """The letters of the package."""
    return wordings_of((resources.files(__package__) / "wordings.toml").read_text(encoding="utf-8"))


def wordings_of(text: str) -> Wordings:
    """The letters of a file, by category."""
    return {
        category: tuple(Wording(one["subject"], tuple(one["paragraphs"])) for one in some)
        for category, some in tomllib.loads(text).items()
    }
