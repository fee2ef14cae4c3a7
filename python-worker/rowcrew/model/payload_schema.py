"""Whether a payload fits the JSON Schema that its type has published, as `jsonschema` reads it.

In: a value and a schema as msgspec and pydantic write them. Out: the first complaint, with the place. A
schema that is none forbids nothing: the runner has the last say. Needs the extra `web`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from jsonschema import ValidationError

Schema = Mapping[str, Any]


class Complaint(NamedTuple):
    """What does not fit, and where."""

    path: str
    problem: str


# In our own words, since the library's repeat the value, which may be long, or a secret.
_SAYS: Final[Mapping[str, Callable[[Any], str]]] = {
    "type": lambda kinds: f"must be {_or([kinds] if isinstance(kinds, str) else kinds)}",
    "enum": lambda choices: f"must be one of {', '.join(map(str, choices))}",
    "const": lambda choice: f"must be one of {choice}",
    "minimum": "must be at least {}".format,
    "maximum": "must be at most {}".format,
    "exclusiveMinimum": "must be more than {}".format,
    "exclusiveMaximum": "must be less than {}".format,
    "multipleOf": "must be a multiple of {}".format,
    "minLength": "must have at least {} characters".format,
    "maxLength": "must have at most {} characters".format,
    "minItems": "must have at least {} items".format,
    "maxItems": "must have at most {} items".format,
    "uniqueItems": lambda _: "must have no item twice",
    "pattern": "must match {}".format,
    "anyOf": lambda some: f"must be {_or([_kind(one) for one in some])}",
    "oneOf": lambda some: f"must be {_or([_kind(one) for one in some])}",
}
_LONGEST_TRIED: Final = 1_000
_DEEPEST: Final = 100


def complaint(value: Any, schema: Schema) -> Complaint | None:
    """The first thing that does not fit; None = it fits as far as this can tell."""
    try:
        error = next(_errors(value, schema), None)
        return None if error is None else _told(error)
    except Exception:  # references to nowhere or to themselves, types unheard of, patterns that are none
        return None


def _errors(value: Any, schema: Schema) -> Iterator[ValidationError]:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    from referencing import Registry

    def only_short(keyword: str) -> Callable[..., Iterator[ValidationError]]:
        tried = Draft202012Validator.VALIDATORS[keyword]

        def short(validator: Any, wanted: Any, value: Any, around: Any) -> Iterator[ValidationError]:
            if isinstance(value, str | list) and len(value) <= _LONGEST_TRIED:
                yield from tried(validator, wanted, value, around)

        return short

    # A pattern of somebody else's may take forever over a long text, and items are compared each with each.
    hasty = {keyword: only_short(keyword) for keyword in ("pattern", "uniqueItems")}
    patient = extend(Draft202012Validator, hasty)  # type: ignore[no-untyped-call]
    # Without a registry of ours, the library asks the network for what a reference names.
    yield from patient(schema, registry=Registry()).iter_errors(value)


def _told(error: ValidationError) -> Complaint:
    path = "payload" + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path
    )
    wanted: Any = error.validator_value
    value: Any = error.instance
    around: Any = error.schema
    if error.validator == "required":
        missing = next(name for name in wanted if name not in value)
        return Complaint(f"{path}.{missing}", "is missing")
    if error.validator == "additionalProperties":
        known = around.get("properties", {})
        unknown = next(name for name in value if name not in known)
        return Complaint(f"{path}.{unknown}", f"is unknown; there are {', '.join(known) or 'no fields'}")
    says = _SAYS.get(str(error.validator))
    return Complaint(path, says(wanted) if says else f"must fit {error.validator}")


def _kind(schema: Any) -> str:
    return str(schema.get("type", schema.get("const", "another value")))


def _or(words: list[str]) -> str:
    return " or ".join(dict.fromkeys(map(str, words)))


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
