"""Passwords and secrets: what is kept of them, and whether one that is given is the right one.

In: texts. Out: texts and hashes that tell nobody what they were made of. Called by `rowcrew.admin`; a
password takes about a twentieth of a second and 32 MB, so nobody tries many.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final

SHORTEST: Final = 8
LONGEST: Final = 1_000

_COST: Final = 15
_BLOCK: Final = 8
_MEMORY_BYTES: Final = 128 * 2**20
_SECRET_BYTES: Final = 32


def kept(password: str, salt: bytes | None = None) -> str:
    """What is kept of a password: `scrypt$cost$block$salt$hash`."""
    salt = salt or secrets.token_bytes(16)
    made = _scrypt(password, salt, _COST, _BLOCK)
    return f"scrypt${_COST}${_BLOCK}${_text(salt)}${_text(made)}"


def is_right(password: str, kept: str) -> bool:
    """Whether this is the password of which that was kept."""
    _, cost, block, salt, made = kept.split("$")
    tried = _scrypt(password, base64.b64decode(salt), int(cost), int(block))
    return hmac.compare_digest(tried, base64.b64decode(made))


NOBODYS: Final = "scrypt$15$8$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
"""What is compared when there is no such user, so that the answer takes as long."""


def new_secret() -> str:
    """The secret of a session or token, 256 bits of it."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def hash_of(secret: str) -> bytes:
    """What is kept of a secret; it is long enough to need no salt."""
    return hashlib.sha256(secret.encode()).digest()


def _scrypt(password: str, salt: bytes, cost: int, block: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=2**cost, r=block, p=1, maxmem=_MEMORY_BYTES, dklen=32
    )


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
