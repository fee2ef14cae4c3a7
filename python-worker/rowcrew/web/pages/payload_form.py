"""A payload as the fields of a form, made from the schema that its type has published; and back.

In: a payload and a schema, or what a form sent. Out: fields with their texts, or a payload and what is wrong
with it, by field. Without a schema one field holds all of it as JSON. Called by the page that requeues.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from rowcrew.model.masking import MASK
from rowcrew.model.payload_schema import Schema, resolved

Kind = Literal["text", "number", "choice", "json"]

REST: Final = "rest"
_PREFIX: Final = "field."
_LONG: Final = 80
_LEFT_OUT: Final = ""


class Field(NamedTuple):
    """One field of the form.

    Attributes:
        name: of the form's input.
        text: what stands in it.
        was: the part of the payload that it shows.
        hint: what the schema says of it.
        choices: for a choice alone: its words, and the values that they mean.
    """

    name: str
    label: str
    kind: Kind
    text: str
    was: Mapping[str, Any]
    hint: str = ""
    choices: Mapping[str, Any] = MappingProxyType({})
    wrong: str = ""

    @property
    def lines(self) -> int:
        """How high a field of several lines is; 0 for one of a single line."""
        if self.kind == "json":
            return min(24, max(3, self.text.count("\n") + 2))
        text = _lines(self.text)
        return min(12, text.count("\n") + 3) if "\n" in text or len(text) > _LONG else 0


class Sent(NamedTuple):
    """The payload that a form means, or what is wrong, by the name of the input."""

    payload: dict[str, Any]
    wrong: dict[str, str]


def fields(payload: Mapping[str, Any], schema: Schema | None) -> list[Field]:
    """A field for each property of the schema, and one for what it does not name."""
    known = _properties(schema)
    found = [_field(name, known[name], payload, schema or {}) for name in known]
    rest = {name: value for name, value in payload.items() if name not in known}
    if rest or not known:
        label = "Further fields" if known else "Payload"
        found.append(Field(REST, label, "json", _json(rest), rest, "a JSON object"))
    return found


def read(sent: Mapping[str, Sequence[str]], payload: Mapping[str, Any], schema: Schema | None) -> Sent:
    """What somebody made of the fields of this payload; an empty field that was not there stays left out.

    A field that nobody touched is what it was, whatever browsers make of the ends of its lines.
    """
    made: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in fields(payload, schema):
        text = _lines((sent.get(field.name) or [field.text])[0])
        name = field.name.removeprefix(_PREFIX)
        if text == _lines(field.text):
            made |= field.was
        elif field.name == REST:
            try:
                made |= _object(text)
            except ValueError as error:
                wrong[REST] = str(error)
        elif text != _LEFT_OUT or (field.kind == "text" and field.was):
            try:
                made[name] = _value(text, field)
            except ValueError as error:
                wrong[field.name] = str(error)
    return Sent(made, wrong)


def again(found: Sequence[Field], sent: Mapping[str, Sequence[str]], wrong: Mapping[str, str]) -> list[Field]:
    """The fields with what somebody had written in them, and what is wrong with it."""
    return [
        one._replace(text=(sent.get(one.name) or [one.text])[0], wrong=wrong.get(one.name, ""))
        for one in found
    ]


def place_of(path: str, found: Sequence[Field]) -> str:
    """The name of the field in which something wrong stands, such as `payload.rows[3]`."""
    name = path.removeprefix("payload").lstrip(".").partition(".")[0].partition("[")[0]
    names = [one.name for one in found]
    wanted = f"{_PREFIX}{name}"
    return wanted if wanted in names else names[-1]


def _properties(schema: Schema | None) -> Mapping[str, Any]:
    found = resolved(schema, schema).get("properties") if schema else None
    return found if isinstance(found, dict) else {}


def _field(name: str, described: Any, payload: Mapping[str, Any], root: Schema) -> Field:
    own = _plain(described if isinstance(described, dict) else {}, root)
    required = name in resolved(root, root).get("required", ())
    is_there = name in payload
    value = payload.get(name)
    was = {name: value} if is_there else {}
    choices = _choices(own)
    kind: Kind = "json"
    text = _json(value) if is_there else _LEFT_OUT
    if choices and (not is_there or choices.get(_word(value), ...) == value):
        kind, text = "choice", _word(value) if is_there else _LEFT_OUT
        choices = choices if required else {_LEFT_OUT: None, **choices}
    elif own.get("type") == "string" and (not is_there or isinstance(value, str)):
        kind, text = "text", value or ""
    elif own.get("type") in ("integer", "number") and (
        not is_there or isinstance(value, int | float) or value == MASK
    ):
        kind, text = "number", _word(value) if is_there else _LEFT_OUT
    return Field(f"{_PREFIX}{name}", name, kind, text, was, _hint(own, required=required), choices)


def _plain(described: Schema, root: Schema) -> Schema:
    """Of a type that may also be null, the type."""
    described = resolved(described, root)
    some = [one for one in described.get("anyOf", ()) if isinstance(one, dict) and one.get("type") != "null"]
    return {**resolved(some[0], root), **described} if len(some) == 1 else described


def _choices(own: Schema) -> Mapping[str, Any]:
    """The values that may be, by their words."""
    some = (True, False) if own.get("type") == "boolean" else own.get("enum", ())
    return {_word(one): one for one in some if not isinstance(one, dict | list)}


def _hint(own: Schema, *, required: bool) -> str:
    told = [str(own["description"])] if own.get("description") else []
    if isinstance(own.get("type"), str) and not own.get("enum"):
        told.append(str(own["type"]))
    if not required:
        told.append(f"{_json(own['default'])} if left empty" if "default" in own else "may be left empty")
    return ", ".join(told)


def _value(text: str, field: Field) -> Any:
    """The value that a text means.

    Raises:
        ValueError: it is no JSON, or no number.
    """
    if field.kind == "text" or text == MASK:
        return text
    if field.kind == "choice":
        return field.choices.get(text, text)
    try:
        return _parsed(text)
    except ValueError:
        wanted = "a number" if field.kind == "number" else "JSON: a text stands in quotes"
        raise ValueError(f"is not {wanted}") from None


def _object(text: str) -> dict[str, Any]:
    try:
        value = _parsed(text or "{}")
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object: { … }")  # noqa: TRY004 - as what is no JSON at all
    return value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _lines(text: str) -> str:
    """The text with its lines ended in one way, as browsers change them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
