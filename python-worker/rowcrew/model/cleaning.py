"""Makes any text safe to store and to show: no NUL, no lone surrogates, no secrets, no endless length.

Recording a failure must not fail, so everything that ends in "errorMessage", a traceback or a log line comes
through here.
"""

from __future__ import annotations

import re
from typing import Final

MESSAGE_LENGTH: Final = 2_000
TRACEBACK_LENGTH: Final = 16_000

_SECRETS: Final = (
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@]+@"), r"\1:***@"),
    (
        re.compile(
            r"(?i)\b(password|passwd|secret|token|api[_-]?key|authorization)(['\"]?\s*[=:]\s*['\"]?)(?:bearer\s+)?[^\s'\",;&]+"
        ),
        r"\1\2***",
    ),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), "***"),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{16,}\b"), "***"),
    (re.compile(r"(?i)\bbearer\s+[a-z0-9._~+/=-]{8,}"), "Bearer ***"),
    (re.compile(r"([?&](?:X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|sig)=)[^&\s]+"), r"\1***"),
)
# PostgreSQL's DETAIL and CONTEXT carry whole rows, and so payloads.
_SERVER_DETAIL: Final = re.compile(r"^(?:DETAIL|CONTEXT|HINT|QUERY|STATEMENT):.*$", re.MULTILINE)
_ESCAPED_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def clean_text(text: str, length: int = TRACEBACK_LENGTH) -> str:
    """The text, secrets redacted, unstorable characters removed, the middle cut out beyond `length`."""
    if len(text) > 4 * length:
        text = _shortened(text, 4 * length)
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    text = _CONTROL.sub("", _SERVER_DETAIL.sub("", text))
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return _shortened(text, length)


def clean_line(text: str, length: int = MESSAGE_LENGTH) -> str:
    """The same in one line, for "errorMessage"."""
    return _shortened(" ".join(clean_text(text, 4 * length).split()), length)


def clean_json(data: bytes) -> bytes:
    """JSON text without the one escape that jsonb refuses, U+0000."""
    return _ESCAPED_NUL.sub(rb"\1", data) if b"\\u0000" in data else data


def describe(error: BaseException) -> str:
    """One cleaned line that names the error: `ValueError: no such month`."""
    try:
        text = str(error)
    except Exception:
        text = ""
    name = type(error).__name__
    return clean_line(f"{name}: {text}" if text.strip() else name)


def _shortened(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return f"{text[: length // 2]} … {text[-(length - length // 2 - 3) :]}"
