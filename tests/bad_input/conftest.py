"""Bytes that are no JSON object, each in its own way."""

from __future__ import annotations

from typing import Final

PAYLOAD_FILES: Final = {
    "a NUL in a string": rb'{"a": "\u0000"}',
    "half a surrogate pair": rb'{"a": "\ud800"}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "100,000 levels": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "101 levels": b'{"a":' * 101 + b"1" + b"}" * 101,
    "one byte too many": b'{"a": "' + b"x" * 1_000_000 + b'"}',
    "something after the end": b'{"a": 1} {"b": 2}',
    "a byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "bytes that are no text": b'{"a": "\xff\xfe"}',
    "an array": b"[1]",
    "a string": b'"text"',
    "null": b"null",
    "nothing": b"",
}
