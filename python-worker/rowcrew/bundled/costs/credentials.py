"""Credentials of a cloud account: how people hand them over, and how they lie in the table.

In: a text, as AWS or an editor wrote it. Out: `Credentials`, which never show their secret. No complaint
repeats a part of the text. Called by the command line and by `accounts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from rowcrew import RowcrewError
from rowcrew.settings.readers import Secret

_NAMES: Final = ("accesskeyid", "secretaccesskey")


class CredentialsUnreadable(RowcrewError):
    """What was given as credentials is none."""


class Credentials(msgspec.Struct, frozen=True, rename="camel"):
    """An access key of AWS. The repr keeps its secret."""

    access_key_id: str
    secret_access_key: str

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id!r}, {Secret()!r})"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w{1,128}", self.access_key_id, re.ASCII):
            raise ValueError("an access key id is letters and digits")
        if not re.fullmatch(r"[!-~]{1,256}", self.secret_access_key):
            raise ValueError("a secret access key has no blanks and no other characters than ASCII")


def credentials_of(text: str) -> Credentials:
    """The access key in a text: JSON as `aws iam create-access-key` prints it, or lines of name = value.

    Case, `aws_` and underscores in the names do not matter, nor what else stands there.

    Raises:
        CredentialsUnreadable: it has no access key, or more than one.
    """
    found: dict[str, set[str]] = {name: set() for name in _NAMES}
    for name, value in _pairs(text):
        plain = name.lower().replace("_", "").replace("-", "").removeprefix("aws")
        if plain in found and value:
            found[plain].add(value)
    if any(len(values) != 1 for values in found.values()):
        many = any(len(values) > 1 for values in found.values())
        raise CredentialsUnreadable(
            "the credentials must have "
            + ("one access key alone" if many else "accessKeyId and secretAccessKey")
            + ": as JSON, or as lines such as aws_access_key_id = …"
        )
    try:
        return Credentials(*(found[name].pop() for name in _NAMES))
    except ValueError as error:
        raise CredentialsUnreadable(f"the credentials cannot be: {error}") from error


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    try:
        yield from _of_json(msgspec.json.decode(text))
    except msgspec.DecodeError:
        for line in text.splitlines():
            name, equals, value = line.strip().removeprefix("export ").partition("=")
            if equals:
                yield name.strip(), value.strip().strip("\"'")


def _of_json(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str):
                yield name, inner.strip()
            else:
                yield from _of_json(inner)
