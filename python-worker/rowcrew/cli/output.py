"""How commands print: fields for people, JSON for programs, and how values read (tables: `tables`).

In: rows, or dictionaries by column name. Out: text on standard output. Control characters from rows never
reach a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from rowcrew.model.terminal_text import printable

_GAP: Final = "  "

_encode: Final = msgspec.json.Encoder().encode


def print_document(document: Any) -> None:
    """One JSON document on one line."""
    print(_encode(_portable(document)).decode())


def print_documents(documents: Iterable[Mapping[str, Any] | msgspec.Struct]) -> None:
    """JSON lines."""
    for document in documents:
        print_document(document)


def columns(row: msgspec.Struct) -> dict[str, Any]:
    """The row's values by the names of its columns."""
    return {field.encode_name: getattr(row, field.name) for field in msgspec.structs.fields(row)}


def print_fields(record: Mapping[str, Any]) -> None:
    """One name and value a line; JSON values indented below their name when they are long."""
    longest = max(map(len, record))
    for name, value in record.items():
        text = printable(_readable_json(value) if isinstance(value, msgspec.Raw) else shown(value))
        indented = text.replace("\n", "\n" + " " * (longest + len(_GAP)))
        print(f"{name:{longest}}{_GAP}{indented}".rstrip())


def shown(value: Any) -> str:
    """A value as people read it. Times are those of the reader's clock."""
    match value:
        case None:
            return ""
        case msgspec.Raw():
            return bytes(value).decode()
        case datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def memory(bytes: int | None) -> str | None:
    """`512 MiB`, rounded."""
    return None if bytes is None else f"{round(bytes / 2**20)} MiB"


def progress_text(progress: msgspec.Raw | None) -> str:
    """`5/10 Processing chunks`; anything else that a producer has put there as it is."""
    value = None if progress is None else msgspec.json.decode(progress)
    if not isinstance(value, dict):
        return shown(progress)
    counts = "/".join(str(value[name]) for name in ("current", "total") if value.get(name) is not None)
    return " ".join(filter(None, [counts, str(value.get("message") or "")]))


def _readable_json(value: msgspec.Raw) -> str:
    text = bytes(value).decode()
    return text if len(text) <= 80 else msgspec.json.format(text, indent=2)


def _portable(value: Any) -> Any:
    """Times in UTC, whatever the time zone of the session."""
    match value:
        case msgspec.Struct():
            return _portable(columns(value))
        case datetime():
            return value.astimezone(UTC)
        case dict():
            return {name: _portable(item) for name, item in value.items()}
        case list():
            return [_portable(item) for item in value]
    return value
