"""The schema that a model has to answer in: that of `Analysis`, as far as strict servers take it.

In: nothing. Out: the schema. Strict servers refuse one whose root is a reference, whose properties are not
all required, or that counts characters and members. What is left out is checked when the answer comes. Called
by `reading`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec

from rowcrew.bundled.announcements.processed import Analysis
from rowcrew.bundled.announcements.rules.categories import GENERAL, signs

_UNTAKEN: Final = frozenset(
    ("default", "title", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")
)


@cache
def categories() -> tuple[str, ...]:
    """What a filing may be about."""
    return (*signs(), GENERAL)


@cache
def strict_schema() -> dict[str, Any]:
    """The schema of an answer."""
    schema = msgspec.json.schema(Analysis)
    parts = {name: _strict(part) for name, part in schema["$defs"].items()}
    root: dict[str, Any] = parts.pop("Analysis")
    root["properties"]["category"] = {"type": "string", "enum": list(categories())}
    return {**root, "$defs": parts}


def _strict(part: Any) -> Any:
    if isinstance(part, list):
        return [_strict(member) for member in part]
    if not isinstance(part, dict):
        return part
    found = {name: _strict(value) for name, value in part.items() if name not in _UNTAKEN}
    if "properties" in found:
        found["properties"] = {name: _strict(value) for name, value in part["properties"].items()}
        found["required"] = list(found["properties"])
    if "enum" in found:
        found["type"] = "string"
    return found
