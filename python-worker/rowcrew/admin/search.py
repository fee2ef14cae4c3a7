"""The language of a search box: `queue:ai type:"a b" status:failed key:acme`.

In: what somebody typed. Out: a search, or a sentence about the word that is not understood; and
back. Called by faces with such a box.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rowcrew.model.errors import RowcrewError
from rowcrew.model.status import STATUSES
from rowcrew.table.looks import Search

_FIELDS: Final = {"status": "statuses", "type": "types", "queue": "queues", "key": "keys"}

# A quote within quotes is written twice, as in SQL.
_WORD: Final = re.compile(
    r'(?:(?P<kind>[^\s:"]+):)?(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[^\s"]\S*))(?=\s|$)'
)


class Unreadable(RowcrewError):
    """A word of a search that nobody understands."""


def search(text: str) -> Search:
    """The search that a text means: words of one kind widen it, each further kind narrows it.

    Raises:
        Unreadable: names the word.
    """
    found: dict[str, tuple[str, ...]] = {}
    for kind, value in _words(text):
        if kind == "status" and value not in STATUSES:
            raise Unreadable(f"{value!r} is no status; there are {', '.join(STATUSES)}")
        found[_FIELDS[kind]] = (*found.get(_FIELDS[kind], ()), value)
    return Search(**found)  # type: ignore[arg-type]


def spelled(search: Search) -> str:
    """The text that means this search."""
    return " ".join(
        f"{kind}:{quoted(value)}" for kind, field in _FIELDS.items() for value in getattr(search, field) or ()
    )


def _words(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while rest := text[place:].lstrip():
        place = len(text) - len(rest)
        found = _WORD.match(rest)
        word = rest.split(maxsplit=1)[0] if found is None else found[0]
        kind = None if found is None else found["kind"]
        value = "" if found is None else (found["plain"] or (found["quoted"] or "").replace('""', '"'))
        if kind is None and value in STATUSES:
            kind = "status"
        if kind not in _FIELDS or not value:
            raise Unreadable(f"{word!r} is not understood; give {', '.join(f'{one}:…' for one in _FIELDS)}")
        yield kind, value
        place += len(word)


def quoted(value: str) -> str:
    """A value as the language takes it."""
    return value if re.fullmatch(r'[^\s"]+', value) else '"{}"'.format(value.replace('"', '""'))
