"""The language of a search box: `queue:ai type:"a b" failed since:2h key:acme "text in the payload"`.

In: what somebody typed. Out: a search, or a sentence about the word that is not understood; and
back. Called by faces with such a box.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from rowcrew.model.errors import RowcrewError
from rowcrew.model.status import STATUSES
from rowcrew.table.looks import Search

_FIELDS: Final = {"status": "statuses", "type": "types", "queue": "queues", "key": "keys"}
_KINDS: Final = ("status:…", "type:…", "queue:…", "key:…", "since:2h", '"text"')

_UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "min": 60, "s": 1}
_LONGEST: Final = timedelta(days=36_500)

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
    found: dict[str, Any] = {}
    for kind, value in _words(text):
        if kind == "status" and value not in STATUSES:
            raise Unreadable(f"{value!r} is no status; there are {', '.join(STATUSES)}")
        if kind == "since" and "since" in found:
            raise Unreadable("since: stands there twice; give it once")
        if kind == "since":
            found[kind] = _since(value)
        else:
            name = _FIELDS.get(kind, "texts")
            found[name] = (*found.get(name, ()), value)
    return Search(**found)


def frozen(search: Search, now: datetime) -> Search:
    """The same search with a moment in place of a length of time: it means the same jobs later on."""
    since = search.since
    return msgspec.structs.replace(search, since=now - since) if isinstance(since, timedelta) else search


def spelled(search: Search) -> str:
    """The text that means this search."""
    words = [
        f"{kind}:{quoted(value)}" for kind, field in _FIELDS.items() for value in getattr(search, field) or ()
    ]
    if search.since is not None:
        words.append(f"since:{_spelled_since(search.since)}")
    return " ".join([*words, *map(_in_quotes, search.texts or ())])


def _words(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while rest := text[place:].lstrip():
        place = len(text) - len(rest)
        found = _WORD.match(rest)
        word = rest.split(maxsplit=1)[0] if found is None else found[0]
        kind = None if found is None else found["kind"]
        value = "" if found is None else (found["plain"] or (found["quoted"] or "").replace('""', '"'))
        if kind is None and found is not None:
            kind = "text" if found["quoted"] is not None else "status" if value in STATUSES else None
        if kind not in (*_FIELDS, "since", "text") or not value:
            raise Unreadable(f"{word!r} is not understood; give {', '.join(_KINDS)}")
        yield kind, value
        place += len(word)


def quoted(value: str) -> str:
    """A value as the language takes it."""
    return value if re.fullmatch(r'[^\s"]+', value) else _in_quotes(value)


def _in_quotes(value: str) -> str:
    return '"{}"'.format(value.replace('"', '""'))


def _since(value: str) -> datetime | timedelta:
    found = time_of(value)
    if found is None:
        raise Unreadable(f"since:{value} is not understood; give 30min, 2h, 7d or 2026-12-31T18:00")
    return found


def time_of(value: str) -> datetime | timedelta | None:
    """A length of time such as 2h, or a moment; one without a zone is meant in UTC. None = neither."""
    try:
        if found := re.fullmatch(r"([0-9]{1,9})(w|d|h|min|m|s)", value):
            length = timedelta(seconds=int(found[1]) * _UNITS["min" if found[2] == "m" else found[2]])
            if length <= _LONGEST:
                return length
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _spelled_since(since: datetime | timedelta) -> str:
    if isinstance(since, datetime):
        return since.isoformat().replace("+00:00", "Z")
    seconds = round(since.total_seconds())
    unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // _UNITS[unit]}{unit}"
