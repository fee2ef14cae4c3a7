"""How the text of a variable is read.

In: the text of one variable, stripped. Out: the value of its field, or a ValueError that says what to give
instead. `variables` names the reader of each variable.
"""

from __future__ import annotations

import ipaddress
import math
import re
from binascii import a2b_base64
from typing import Final, NamedTuple

import msgspec

from rowcrew.settings.machine import automatic_slots

_UNITS: Final = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
_DURATION_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_SIGNS: Final = "whsec_"
_LONGEST_PAUSE_DAYS: Final = 3_650  # three heartbeats are a lease, whose seconds the table has as an integer
_LONGEST_AGE_DAYS: Final = 36_500  # so long ago there still is a timestamp


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Secret(str):
    """A text that does not show itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


class SigningSecret(NamedTuple):
    """What signs the webhooks of one receiver: whsec_ and base64, as Standard Webhooks have it."""

    receiver: str
    secret: Secret

    def __str__(self) -> str:
        return f"{self.receiver}=…"

    @property
    def key(self) -> bytes:
        """The bytes that sign."""
        return a2b_base64(self.secret.removeprefix(_SIGNS))


class Database(NamedTuple):
    """One of several databases, by the name that the log calls it."""

    name: str
    url: Secret

    def __str__(self) -> str:
        return self.name


class Command(NamedTuple):
    """A program that a receiver may name, and its arguments."""

    name: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def text(value: str) -> str:
    return value


def seconds(value: str, most_days: int = _LONGEST_PAUSE_DAYS) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", value)
    if match is None or float(match[1]) <= 0:
        raise ValueError("give seconds above zero, such as 30 or 1.5, or with a unit: 90s, 10m, 2h")
    found = float(match[1]) * _DURATION_UNITS[match[2]]
    if found > most_days * _DURATION_UNITS["d"]:
        raise ValueError(f"give at most {most_days}d, which is {most_days // 365} years")
    return found


def age(value: str) -> int:
    return math.ceil(seconds(value, _LONGEST_AGE_DAYS))


def grace(value: str) -> float:
    return 0.0 if value == "0" else seconds(value)


def count(value: str) -> int:
    if not re.fullmatch(r"\d{1,6}", value) or int(value) < 1:
        raise ValueError("give a whole number from 1 to 999999")
    return int(value)


def port(value: str) -> int:
    if not re.fullmatch(r"\d{1,5}", value) or not 1 <= int(value) <= 65_535:
        raise ValueError("give a port from 1 to 65535")
    return int(value)


def slots(value: str) -> int:
    return automatic_slots() if value == "auto" else count(value)


def size(value: str) -> int:
    match = re.fullmatch(r"(\d{1,15})\s*([KMG]?)(?:i?B)?", value, re.IGNORECASE)
    if match is None or int(match[1]) == 0:
        raise ValueError("give a size such as 512M or 2G")
    return int(match[1]) * _UNITS[match[2].upper()]


def size_or_none(value: str) -> int:
    return 0 if value == "0" else size(value)


def words(value: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[,\s]+", value) if part)


def queue(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9_][a-z0-9_.-]{0,62}", value):
        raise ValueError("a queue name is 1 to 63 of a-z 0-9 _ . - and starts with a letter, digit or _")
    return value


def queues(value: str) -> tuple[str, ...]:
    return tuple(queue(part) for part in words(value))


def boot_id(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value):
        raise ValueError("give a uuid, such as 0198c0de-0000-4000-8000-000000000000, or nothing")
    return value


def log_format(value: str) -> str:
    if value not in ("text", "json"):
        raise ValueError("give text or json")
    return value


def yes_or_no(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError("give true or false")
    return value.lower() == "true"


def networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part) for part in words(value))
    except ValueError as error:
        raise ValueError(f"{error}: give networks such as 10.1.0.0/16, comma-separated") from error


def secret(value: str) -> Secret:
    if not re.fullmatch(r"[!-~]{16,200}", value):
        raise ValueError("give 16 to 200 letters, digits and signs, such as `openssl rand -hex 32` makes")
    return Secret(value)


def signing_secrets(value: str) -> tuple[SigningSecret, ...]:
    return tuple(map(_signing_secret, words(value)))


def _signing_secret(pair: str) -> SigningSecret:
    match = re.fullmatch(r"([a-z0-9_-]+)=(whsec_[A-Za-z0-9+/]{32,88}={0,2})", pair)
    try:
        if match is not None:
            found = SigningSecret(match[1], Secret(match[2]))
            if 24 <= len(found.key) <= 64:
                return found
    except ValueError:  # no base64
        pass
    raise ValueError("give receiver=whsec_ and the base64 of 24 to 64 random bytes, comma-separated")


def commands(value: str) -> tuple[Command, ...]:
    try:
        named = msgspec.json.decode(value, type=dict[str, list[str]])
    except msgspec.MsgspecError:
        named = {"": []}
    if not all(re.fullmatch("[a-z0-9_-]+", name) and words for name, words in named.items()):
        raise ValueError('give JSON such as {"page": ["/usr/local/bin/page", "--team", "ops"]}')
    return tuple(Command(name, tuple(words)) for name, words in named.items())


def endpoint(value: str) -> str:
    if not re.match(r"https?://\w", value):
        raise ValueError("it must start with https:// or http://")
    return value


def address(value: str) -> str:
    # Docker's --env-file and systemd's Environment keep quotes that a shell would take away.
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    if not re.match(r"postgres(ql)?(\+\w+)?://", value):
        raise ValueError("it must start with postgresql://")
    return value


def databases(value: str) -> tuple[Database, ...]:
    pairs = [word.partition("=") for word in value.split()]  # a comma separates hosts
    names = [name for name, _, _ in pairs]
    if not all(map(_is_label, names)) or len(set(names)) < len(names):
        raise ValueError("give name=address name=address, with blanks between and each name once")
    return tuple(Database(name, Secret(address(url))) for name, _, url in pairs)


def label(value: str) -> str:
    if not _is_label(value):
        raise ValueError("give up to 32 of a-z 0-9 _ -")
    return value


def _is_label(value: str) -> bool:
    return re.fullmatch("[a-z0-9_-]{1,32}", value) is not None
