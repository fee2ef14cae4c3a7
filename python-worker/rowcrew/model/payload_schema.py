"""Whether a payload fits the JSON Schema that its type has published.

In: a value and a schema as msgspec and pydantic write them. Out: the first complaint, with the place. Words
of JSON Schema that are not known here forbid nothing: the runner has the last say. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

Schema = Mapping[str, Any]


class Complaint(NamedTuple):
    """What does not fit, and where."""

    path: str
    problem: str


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
    "number": _is_number,
}
_BOUNDS: Final[Mapping[str, tuple[Callable[[Any, Any], bool], str]]] = {
    "minimum": (lambda value, bound: value >= bound, "must be at least {}"),
    "maximum": (lambda value, bound: value <= bound, "must be at most {}"),
    "exclusiveMinimum": (lambda value, bound: value > bound, "must be more than {}"),
    "exclusiveMaximum": (lambda value, bound: value < bound, "must be less than {}"),
    "minLength": (lambda value, bound: len(value) >= bound, "must have at least {} characters"),
    "maxLength": (lambda value, bound: len(value) <= bound, "must have at most {} characters"),
    "minItems": (lambda value, bound: len(value) >= bound, "must have at least {} items"),
    "maxItems": (lambda value, bound: len(value) <= bound, "must have at most {} items"),
}
_DEEPEST: Final = 100


def complaint(value: Any, schema: Schema) -> Complaint | None:
    """The first thing that does not fit; None = it fits as far as this can tell."""
    return next(_Checker(schema).complaints(value, schema, "payload", 0), None)


def resolved(schema: Schema, root: Schema) -> Schema:
    """The schema that a `$ref` means; one that leads nowhere allows everything."""
    for _ in range(_DEEPEST):
        ref = schema.get("$ref")
        if not isinstance(ref, str):
            return schema
        found: Any = root
        for name in ref.removeprefix("#/").split("/"):
            found = found.get(name, {}) if isinstance(found, dict) else {}
        schema = found if isinstance(found, dict) else {}
    return {}


class _Checker:
    """Looks a value through, beside a schema and the definitions of its root."""

    def __init__(self, root: Schema) -> None:
        self._root = root

    def complaints(self, value: Any, schema: Any, path: str, depth: int) -> Iterator[Complaint]:
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return
        schema = resolved(schema, self._root)
        for name in ("anyOf", "oneOf"):
            if (some := schema.get(name)) and not any(self._fits(value, one, path, depth) for one in some):
                yield Complaint(path, f"must be {_wanted(some)}")
                return
        for one in schema.get("allOf", ()):
            yield from self.complaints(value, one, path, depth + 1)
        yield from _of_value(value, schema, path)
        if isinstance(value, dict):
            yield from self._of_object(value, schema, path, depth)
        if isinstance(value, list):
            for place, item in enumerate(value):
                yield from self.complaints(item, schema.get("items"), f"{path}[{place}]", depth + 1)

    def _fits(self, value: Any, schema: Any, path: str, depth: int) -> bool:
        return next(self.complaints(value, schema, path, depth + 1), None) is None

    def _of_object(
        self, value: Mapping[str, Any], schema: Schema, path: str, depth: int
    ) -> Iterator[Complaint]:
        known = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                yield Complaint(f"{path}.{name}", "is missing")
        further = schema.get("additionalProperties", True)
        for name, item in value.items():
            if name in known:
                yield from self.complaints(item, known[name], f"{path}.{name}", depth + 1)
            elif further is False:
                yield Complaint(f"{path}.{name}", f"is unknown; there are {', '.join(known) or 'no fields'}")
            else:
                yield from self.complaints(item, further, f"{path}.{name}", depth + 1)


def _of_value(value: Any, schema: Schema, path: str) -> Iterator[Complaint]:
    kinds = schema.get("type")
    wanted = [kinds] if isinstance(kinds, str) else kinds or []
    if wanted and not any(_TYPES.get(kind, lambda _: True)(value) for kind in wanted):
        yield Complaint(path, f"must be {_wanted([{'type': kind} for kind in wanted])}")
        return
    choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if choices is not None and value not in choices:
        yield Complaint(path, f"must be one of {', '.join(map(str, choices))}")
    for word, (holds, says) in _BOUNDS.items():
        measures = _is_number(value) if "imum" in word else isinstance(value, str | list)
        if word in schema and measures and not holds(value, schema[word]):
            yield Complaint(path, says.format(schema[word]))
    if isinstance(value, str) and not _matches(schema.get("pattern"), value):
        yield Complaint(path, f"must match {schema['pattern']}")


def _matches(pattern: Any, value: str) -> bool:
    """Long texts are not tried: a pattern of somebody else's may take forever."""
    if not isinstance(pattern, str) or len(value) > 1_000:
        return True
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True


def _wanted(some: Sequence[Any]) -> str:
    words = (one.get("type", one.get("const", "another value")) for one in some if isinstance(one, dict))
    return " or ".join(dict.fromkeys(map(str, words)))
