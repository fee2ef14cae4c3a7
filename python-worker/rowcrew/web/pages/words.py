"""Values in the words of a page: ages, instants, numbers, sizes, JSON.

In: values of rows. Out: text, or markup whose parts are escaped. Used as filters by the templates.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from markupsafe import Markup, escape

from rowcrew.model.duration import duration
from rowcrew.model.size import size as size_of

_AGES: Final = (("d", 2 * 86_400, 86_400), ("h", 2 * 3_600, 3_600), ("min", 60, 60))
NOTHING: Final = "\u2013"
"""A value that is missing."""

_MOST_MARKED: Final = 100_000
"""Characters in which keys are told apart: it takes time, in which nobody else has an answer."""

# With an indent, a key is what stands first on its line; within a string no line ends.
_KEY: Final = re.compile(r'^ *(?P<key>"(?:[^"\\]|\\.)*"):', re.MULTILINE)


def age(seconds: float | None) -> str:
    """One unit: `8 s`, `4 min`, `3 h`; hours begin at two of them, and so do days."""
    if seconds is None:
        return NOTHING
    for unit, begin, size in _AGES:
        if seconds >= begin:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def lasting(seconds: float | None) -> str:
    return NOTHING if seconds is None else duration(seconds)


def number(value: float | None) -> str:
    """Thousands apart, a decimal only below ten."""
    if value is None:
        return NOTHING
    if value < 10 and value != int(value):
        return f"{value:.1f}"
    return f"{value:,.0f}"


def mebibytes(value: int | None) -> Markup:
    if value is None:
        return escape(NOTHING)
    return Markup('{:,.0f} <span class="unit">MiB</span>').format(value / 2**20)


def size(value: int) -> Markup:
    figure, _, unit = size_of(value).partition(" ")
    return Markup('{} <span class="unit">{}</span>').format(figure, unit)


def did(kind: str) -> str:
    """The kind of an event as words: `web.cancel_job` is `cancel job`."""
    return kind.removeprefix("web.").replace("_", " ")


def moment(at: datetime | None, shape: str = "%H:%M:%S") -> Markup:
    """An instant as `<time>`, in UTC; the script says it in the reader's zone."""
    if at is None:
        return Markup('<span class="zero">{}</span>').format(NOTHING)
    there = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        there.isoformat(timespec="milliseconds"), f"{there:%Y-%m-%d %H:%M:%S} UTC", there.strftime(shape)
    )


def ticked(text: str) -> Markup:
    """What stands between two backticks is code; an odd one stays as it is."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


def pretty(raw: msgspec.Raw | None) -> Markup:
    """JSON on several lines, its keys softer than its values."""
    if raw is None:
        return Markup("")
    text = msgspec.json.format(bytes(raw), indent=2).decode()
    if len(text) > _MOST_MARKED:
        return escape(text)
    parts: list[Markup] = []
    end = 0
    for found in _KEY.finditer(text):
        parts.append(escape(text[end : found.start("key")]))
        parts.append(Markup('<span class="k">{}</span>').format(found["key"]))
        end = found.end("key")
    return Markup("").join([*parts, escape(text[end:])])


class Progress(msgspec.Struct, frozen=True):
    """How far a run is, as `Context.progress` writes it; a value of another shape is only told as text.

    Attributes:
        share: from 0 to 1; None where no total is known.
    """

    text: str
    current: float | None = None
    total: float | None = None

    @property
    def share(self) -> float | None:
        if self.current is None or not self.total:
            return None
        return min(1.0, max(0.0, self.current / self.total))


def progress(raw: msgspec.Raw | None) -> Progress | None:
    """What the job says of its progress; None when it says nothing."""
    value = None if raw is None else _decoded(raw)
    if value is None:
        return None
    if not isinstance(value, dict):
        return Progress(str(value))
    current, total = (_number(value.get(name)) for name in ("current", "total"))
    if current is None:
        return Progress(json.dumps(value, ensure_ascii=False))
    far = number(current) if total is None else f"{number(current)} of {number(total)}"
    return Progress(f"{message}: {far}" if (message := value.get("message")) else far, current, total)


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _decoded(raw: msgspec.Raw) -> Any:
    return json.loads(bytes(raw))
