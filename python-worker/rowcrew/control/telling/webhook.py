"""Posts one webhook, without letting its URL choose where in our network it goes.

Run as a program of its own, without any installed library: a JSON object on standard input, a reason on
standard error if it was not told. The host is resolved once, every address is judged, and the connection
goes to an address judged, with the name in TLS and in the Host header. No redirect is followed and no proxy
asked. Whoever started it kills it when it takes too long; should that one be dead, an alarm does.
"""

import http.client
import ipaddress
import json
import signal
import socket
import ssl
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from rowcrew.addresses import Address, Network, objection, resolved

_PORTS: Final = {"https": 443, "http": 80}
_ALARM_SECONDS: Final = 90


class NotTold(Exception):
    """The receiver was not told; the text says why, and holds nothing of the URL but its host."""


class Target(NamedTuple):
    """Where a webhook goes: the host by its name, and what to ask for there."""

    scheme: str
    host: str
    port: int
    path: str
    host_header: str


def post(
    url: str, headers: dict[str, str], body: bytes, *, allowed: Sequence[Network], seconds: float
) -> None:
    """Post the body.

    Raises:
        NotTold: the URL is not one to go to, or its host did not answer with a status of success.
    """
    target = _target(url)
    addresses = judged(target, _resolved(target), allowed)
    try:
        with closing(_connected(target, addresses, seconds)) as connection:
            connection.request("POST", target.path, body, {**headers, "Host": target.host_header})
            answer = connection.getresponse()
            if not 200 <= answer.status < 300:
                raise NotTold(f"{target.host} answers {answer.status}{_hint(answer.status)}")
    except ssl.SSLCertVerificationError as error:
        raise NotTold(f"the certificate of {target.host} is not valid: {error.verify_message}") from error
    except (OSError, http.client.HTTPException) as error:
        raise NotTold(f"{target.host}: {_cause(error)}") from error


def judged(target: Target, addresses: Sequence[Address], allowed: Sequence[Network]) -> Sequence[Address]:
    """The addresses, all of which may be connected to.

    Raises:
        NotTold: one of them is private, or plain http would leave the networks that are allowed.
    """
    if wrong := objection(target.scheme, addresses, allowed, setting="EVENT_ALLOW_PRIVATE"):
        raise NotTold(f"{target.host}: {wrong}")
    return addresses


def _target(url: str) -> Target:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError as error:
        raise NotTold("the URL makes no sense") from error
    if port is None or not parts.hostname:
        raise NotTold("the URL must begin with https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise NotTold("the URL must not hold a user or a password: the signature tells who sends")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise NotTold("the URL holds characters that must be percent-encoded")
    named = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    host_header = named if port == _PORTS[parts.scheme] else f"{named}:{port}"
    return Target(parts.scheme, parts.hostname, port, path, host_header)


def _resolved(target: Target) -> list[Address]:
    try:
        return resolved(target.host, target.port)
    except (socket.gaierror, UnicodeError) as error:
        raise NotTold(f"{target.host} does not resolve") from error


def _connected(target: Target, addresses: Sequence[Address], seconds: float) -> http.client.HTTPConnection:
    """A connection to the first of the judged addresses that answers."""
    failure: OSError | None = None
    for address in addresses:
        try:
            plain = socket.create_connection((str(address), target.port), timeout=seconds)
        except OSError as error:
            failure = error
            continue
        connection = http.client.HTTPConnection(target.host, target.port)
        try:
            connection.sock = plain if target.scheme == "http" else _in_tls(plain, target.host)
        except BaseException:
            plain.close()
            raise
        return connection
    raise NotTold(f"{target.host}: {_cause(failure)}") from failure


def _in_tls(plain: socket.socket, host: str) -> socket.socket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _hint(status: int) -> str:
    return "; redirects are not followed, give the URL they lead to" if 300 <= status < 400 else ""


def _cause(error: BaseException | None) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def main() -> None:
    """Post what standard input asks for; exit code 1 and a reason if it was not told."""
    with suppress(AttributeError):  # Windows has none
        signal.alarm(_ALARM_SECONDS)
    asked: dict[str, Any] = json.load(sys.stdin)
    try:
        post(
            asked["url"],
            asked["headers"],
            asked["body"].encode(),
            allowed=[ipaddress.ip_network(network) for network in asked["allowed"]],
            seconds=asked["seconds"],
        )
    except NotTold as error:
        sys.exit(str(error))
