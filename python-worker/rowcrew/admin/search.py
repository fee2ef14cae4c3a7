"""The language of a search box: `queue:ai type:report status:failed key:acme`.

In: what somebody typed. Out: a search, or a sentence about the word that is not understood. Called by faces
with such a box.
"""

from __future__ import annotations

from typing import Final

from rowcrew.admin.looks import Search
from rowcrew.model.errors import RowcrewError
from rowcrew.model.status import STATUSES

_FIELDS: Final = {"status": "statuses", "type": "types", "queue": "queues", "key": "keys"}


class Unreadable(RowcrewError):
    """A word of a search that nobody understands."""


def search(text: str) -> Search:
    """The search that a text means: words of one kind widen it, each further kind narrows it.

    Raises:
        Unreadable: names the word.
    """
    found: dict[str, tuple[str, ...]] = {}
    for word in text.split():
        kind, colon, value = word.partition(":")
        if not colon and word in STATUSES:
            kind, value = "status", word
        if kind not in _FIELDS or not value:
            raise Unreadable(f"{word!r} is not understood; give {', '.join(f'{one}:…' for one in _FIELDS)}")
        if kind == "status" and value not in STATUSES:
            raise Unreadable(f"{value!r} is no status; there are {', '.join(STATUSES)}")
        found[_FIELDS[kind]] = (*found.get(_FIELDS[kind], ()), value)
    return Search(**found)  # type: ignore[arg-type]
