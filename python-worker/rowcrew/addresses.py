"""Which addresses a URL may lead to: the one rule for files that are fetched and for webhooks that are sent.

In: a host, and the networks of our own that are allowed. Out: its addresses, and what is wrong with them. It
needs nothing but the standard library, because the program that sends a webhook has nothing else. Called by
the family `files` and by `control.telling.webhook`.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_UNICAST: Final = ipaddress.IPv6Network("2000::/3")  # outside are tunnels and NAT64, ways to any IPv4 address
_SIX_TO_FOUR: Final = ipaddress.IPv6Network("2002::/16")


def resolved(host: str, port: int) -> list[Address]:
    """All addresses of the host, asked for once: who asked again might be told others.

    Raises:
        socket.gaierror, UnicodeError: it has none, or the name service does not answer.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(place[0])) for *_, place in found]


def objection(
    scheme: str, addresses: Sequence[Address], allowed: Sequence[Network], *, setting: str
) -> str | None:
    """Why none of these may be connected to: one is private, or plain http would leave what is allowed.

    Args:
        setting: the variable that names the networks which are allowed.
    """
    own = [any(address in network for network in allowed) for address in addresses]
    if not all(ours or _is_public(address) for ours, address in zip(own, addresses, strict=True)):
        return f"leads to an address that is not public and not in {setting}"
    if scheme == "http" and not all(own):
        return f"must begin with https://; http is for networks in {setting}"
    return None


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (address not in _UNICAST or address in _SIX_TO_FOUR):
        return False
    return address.is_global and not address.is_multicast
