"""Encryption keys: how people write them, and how a sealed text names the one that opens it.

In: the text of ENCRYPTION_KEY. Out: a `Key` that never shows itself. Called by the settings, and by
`sealing`, which needs the library cryptography; this file does not, because every command reads settings.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Final

import msgspec

KEY_BYTES: Final = 32
_ID_DIGITS: Final = 12


class Key(msgspec.Struct, frozen=True):
    """A key of AES-256. Its repr has the id alone."""

    secret: bytes

    @property
    def id(self) -> str:
        """What sealed texts name their key by: a part of a hash, which tells nothing of the key."""
        return hashlib.sha256(b"rowcrew key id\0" + self.secret).hexdigest()[:_ID_DIGITS]

    def __repr__(self) -> str:
        return f"Key({self.id})"


def key_of(text: str) -> Key:
    """The key that a text stands for: 64 hex digits, else base64 of 32 bytes, else 32 raw characters.

    Raises:
        ValueError: it is none of these. The sentence does not show the text.
    """
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        return Key(bytes.fromhex(text))
    for secret in (_of_base64(text), text.encode("utf-8", "surrogateescape")):
        if secret is not None and len(secret) == KEY_BYTES:
            return Key(secret)
    raise ValueError(
        "give 64 hex digits, base64 of 32 bytes, or 32 characters; `openssl rand -hex 32` makes one"
    )


def keys_of(text: str) -> tuple[Key, ...]:
    """One key, or several in hex or base64 with commas or blanks between them."""
    try:
        return (key_of(text),)
    except ValueError:
        return tuple(key_of(part) for part in re.split(r"[,\s]+", text) if part)


def _of_base64(text: str) -> bytes | None:
    """The bytes of either alphabet, with or without the `=` at its end."""
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        return None
