"""How commands print: tables and fields for people, JSON for programs.

In: rows, or dictionaries by column name. Out: text on standard output. Tables fit the terminal; a file or a
pipe gets every character. Control characters from rows never reach a terminal.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

_GAP: Final = "  "
_NARROWEST: Final = 8
_UNLIMITED: Final = 1 << 30

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


def print_table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Aligned columns under their names; numbers to the right."""
    cells = [[one_line(shown(row[name])) for name in names] for row in rows]
    is_number = [bool(rows) and all(_is_number(row[name]) for row in rows) for name in names]
    widths = _fitted([max(map(width, column)) for column in zip(names, *cells, strict=True)])
    for line in [list(names), *cells]:
        padded = [_padded(*cell) for cell in zip(line, widths, is_number, strict=True)]
        print(_GAP.join(padded).rstrip())


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


def printable(text: str) -> str:
    """The text without characters that a terminal would obey."""
    return "".join(character if character.isprintable() or character == "\n" else " " for character in text)


def one_line(text: str) -> str:
    return " ".join(printable(text).split())


def progress_text(progress: msgspec.Raw | None) -> str:
    """`5/10 Processing chunks`; anything else that a producer has put there as it is."""
    value = None if progress is None else msgspec.json.decode(progress)
    if not isinstance(value, dict):
        return shown(progress)
    counts = "/".join(str(value[name]) for name in ("current", "total") if value.get(name) is not None)
    return " ".join(filter(None, [counts, str(value.get("message") or "")]))


def width(text: str) -> int:
    """Columns that a terminal gives the text."""
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _fitted(widths: list[int]) -> list[int]:
    """The widest columns give way until all fit the terminal."""
    terminal = shutil.get_terminal_size(fallback=(_UNLIMITED, 24)).columns
    while sum(widths) + len(_GAP) * (len(widths) - 1) > terminal and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _padded(text: str, columns: int, to_the_right: bool) -> str:
    if width(text) > columns:
        while width(text) > columns - 1:
            text = text[:-1]
        text += "…"
    padding = " " * (columns - width(text))
    return padding + text if to_the_right else text + padding


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


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
