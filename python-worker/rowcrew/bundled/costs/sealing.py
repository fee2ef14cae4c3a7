"""Seals credentials with AES-256-GCM, so that a dump of the database is no way into the accounts.

In: a key, a text and what the text belongs to. Out: nonce, cipher text and tag in one, and back. A sealed
text that is moved to another account, or changed by a bit, does not open. Called by `accounts`; the first
call imports cryptography.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from rowcrew import RowcrewError
from rowcrew.bundled.costs.keys import Key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES: Final = 12


class CannotOpen(RowcrewError):
    """A sealed text was not sealed with this key for this owner, or was changed since."""


def seal(key: Key, text: bytes, owner: str) -> bytes:
    """The text, readable only with the key and the owner: 12 random bytes, the cipher text, the tag."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, text, owner.encode())


def unseal(key: Key, sealed: bytes, owner: str) -> bytes:
    """The text that was sealed.

    Raises:
        CannotOpen: the key or the owner is another one, or the sealed text is damaged.
    """
    from cryptography.exceptions import InvalidTag

    try:
        return _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.encode())
    except (InvalidTag, ValueError) as error:
        raise CannotOpen(f"the key {key.id} does not open what is stored for {owner}") from error


def _cipher(key: Key) -> AESGCM:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ModuleNotFoundError as error:
        raise RowcrewError(
            "credentials need cryptography: install it with pip install 'rowcrew[costs]'"
        ) from error
    return AESGCM(key.secret)
