"""Who guesses has to wait: longer with every failure, for each name from each address, and for each address.

In: failures and moments. Out: how long somebody has to wait. No clock, no memory beyond its bound. Called by
the web's login.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final, NamedTuple

FREE_OF_A_NAME: Final = 5
FREE_OF_AN_ADDRESS: Final = 20
_FIRST_SECONDS: Final = 10.0
_LONGEST_SECONDS: Final = 900.0
_MOST_KNOWN: Final = 10_000
_NAME_CHARACTERS: Final = 100  # longer ones are nobody's
_NETWORK_BITS: Final = 64

Key = tuple[str, str | None]


class _Failures(NamedTuple):
    """How often in a row, and when last."""

    number: int
    last_at: float


class Throttle:
    """The failures of late. A name from an address that has failed too often does not lock others out."""

    def __init__(self) -> None:
        self._failures: OrderedDict[Key, _Failures] = OrderedDict()

    def wait_seconds(self, address: str, name: str, now: float) -> float:
        """How long this name has to wait from this address; 0 = it need not."""
        of_name, of_address = _keys(address, name)
        return max(self._wait(of_name, FREE_OF_A_NAME, now), self._wait(of_address, FREE_OF_AN_ADDRESS, now))

    def tries(self, address: str, name: str, now: float) -> None:
        """Count an attempt as a failure, until it has passed: those under way at one time count as well."""
        for key in _keys(address, name):
            before = self._failures.pop(key, _Failures(0, now))
            number = 0 if now - before.last_at > _LONGEST_SECONDS else before.number
            self._failures[key] = _Failures(number + 1, now)
        while len(self._failures) > _MOST_KNOWN:
            self._failures.popitem(last=False)

    def passed(self, address: str, name: str) -> None:
        """What was counted before the password was looked at was no failure, and the name starts over."""
        of_name, of_address = _keys(address, name)
        self._failures.pop(of_name, None)
        number, last_at = self._failures.pop(of_address, _Failures(1, 0.0))
        if number > 1:
            self._failures[of_address] = _Failures(number - 1, last_at)

    def _wait(self, key: Key, free: int, now: float) -> float:
        failures = self._failures.get(key)
        if failures is None or failures.number < free:
            return 0.0
        wait = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** min(failures.number - free, 20))
        return max(0.0, failures.last_at + wait - now)


def _keys(address: str, name: str) -> tuple[Key, Key]:
    """What failures are counted by: a name from an address, and the address."""
    place = _place(address)
    return (place, name[:_NAME_CHARACTERS]), (place, None)


def _place(address: str) -> str:
    """An IPv6 address counts as its network: whoever has one has all of them."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:_NAME_CHARACTERS]
    if ip.version == 4:
        return address
    return str(ip.ipv4_mapped or ipaddress.ip_network((int(ip), _NETWORK_BITS), strict=False))
