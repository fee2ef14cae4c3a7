"""JSON both ways: rows with their columns' names and times in UTC, bodies and queries checked by type.

In: rows and structs, or bytes of a request. Out: a response, or a value of the wanted type; what does not fit
is refused with the name of the field. Called by the API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec
from starlette.responses import Response

from rowcrew.model.new_job import PAYLOAD_DEPTH
from rowcrew.web.problems import Refused

T = TypeVar("T")
Q = TypeVar("Q", bound=msgspec.Struct)

_encode: Final = msgspec.json.Encoder().encode
_PLACE: Final = re.compile(r"(?P<what>.*) - at `(?P<path>\$.*)`", re.DOTALL)
_NAMED: Final = re.compile(r"(?:unknown|missing required) field `(?P<name>[^`]*)`")


HIDDEN: Final = "hidden"
_PRIVATE: Final = frozenset({"payload", "result", "checkpoint", "traceback", "text"})
"""The fields that hold what producers and handlers wrote."""


def json_response(
    document: Any, status: int = 200, headers: Mapping[str, str] | None = None, *, hides: bool = False
) -> Response:
    """
    Args:
        hides: whether who asks may not read payloads and results.
    """
    return Response(json_text(document, hides=hides), status, headers, "application/json")


def json_text(document: Any, *, hides: bool = False) -> bytes:
    return _encode(_portable(document, hides))


def read_body(content: bytes, wanted: type[T]) -> T:
    """The body as a value of this type.

    Raises:
        Refused: it is no JSON, or does not fit; the field is named.
    """
    try:
        return msgspec.json.decode(content, type=wanted)
    except msgspec.ValidationError as error:
        raise _refused(422, error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, f"the body is not JSON: {error}") from error
    except RecursionError:
        raise Refused(422, f"the body is nested deeper than {PAYLOAD_DEPTH} levels") from None


def read_query(given: Sequence[tuple[str, str]], wanted: type[Q]) -> Q:
    """The query of an address as a value of this type: a name that comes again makes a list.

    Raises:
        Refused: a name is unknown, or a value does not fit; it is named.
    """
    lists = {field.encode_name for field in msgspec.structs.fields(wanted) if _is_list(field.type)}
    values: dict[str, Any] = {}
    for name, value in given:
        if "\0" in value:
            raise Refused(400, f"{name}: has the character NUL, which no text of a database has", field=name)
        if name in lists:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise Refused(400, f"{name} stands there twice; give it once", field=name)
        else:
            values[name] = value
    try:
        return msgspec.convert(values, wanted, strict=False)
    except msgspec.ValidationError as error:
        raise _refused(400, error) from error


def _is_list(type: Any) -> bool:
    return getattr(type, "__origin__", None) is list


def _refused(status: int, error: msgspec.ValidationError) -> Refused:
    """Msgspec's sentence, with the field as the caller wrote it."""
    found = _PLACE.fullmatch(str(error))
    what, path = (found["what"], found["path"]) if found else (str(error), "$")
    named = _NAMED.search(what)
    field = ".".join(filter(None, [path[1:].lstrip("."), named["name"] if named else ""]))
    return Refused(status, f"{field}: {what}" if field else what, field=field or None)


def _portable(value: Any, hides: bool) -> Any:
    """Times in UTC, whatever the time zone of the session."""
    match value:
        case msgspec.Struct():
            fields = msgspec.structs.fields(value)
            return {one.encode_name: _field(one.name, getattr(value, one.name), hides) for one in fields}
        case datetime():
            return value.astimezone(UTC)
        case dict():
            return {name: _portable(item, hides) for name, item in value.items()}
        case list():
            return [_portable(item, hides) for item in value]
    return value


def _field(name: str, value: Any, hides: bool) -> Any:
    return HIDDEN if hides and name in _PRIVATE and value is not None else _portable(value, hides)
