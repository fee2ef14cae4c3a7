"""Fetches a file from a URL without letting the URL choose where in our network it comes from.

In: a URL out of a payload. Out: its content, written to a file. Each hop's name is resolved once, every
address is judged, and the connection goes to the address judged, with the name in TLS and in the Host header.
Only https, but for networks that the setting URL_ALLOW_PRIVATE names. No proxy is asked: it would resolve the
name again. Called by `sources`.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import IO, Final, NamedTuple
from urllib.parse import urljoin

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Url, parse_url

from rowcrew.addresses import Address, objection, resolved
from rowcrew.bundled.files.arrival import PART_BYTES, Arrival, Patience, TransferFailed
from rowcrew.bundled.files.settings import FileSettings
from rowcrew.context import PermanentError

MOST_REDIRECTS: Final = 3
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_RETRYABLE: Final = (408, 425, 429)
_PORTS: Final = {"https": 443, "http": 80}


class Target(NamedTuple):
    """One hop: where to connect, and what to ask for there. Its text names the host alone."""

    url: Url
    host: str
    port: int
    addresses: Sequence[Address]

    def __str__(self) -> str:
        return f"source.url ({self.host})"  # the rest of a URL may hold a token


def fetch(
    url: str,
    file: IO[bytes],
    most_bytes: int,
    cancelled: Callable[[], bool],
    patience: Patience = Patience(),  # noqa: B008 - frozen
) -> None:
    """Write what is behind a URL into a file.

    Raises:
        PermanentError: the URL must not or cannot be fetched, or its content is too large.
        TransferFailed: network, name service or server failed, or were too slow, several times.
        RunStopped: the run was cancelled.
    """
    arrival = Arrival(file, most_bytes, cancelled, patience)
    arrival.attempt_until_there(lambda: _follow(url, arrival))


def _follow(url: str, arrival: Arrival) -> None:
    arrival.restart()
    for _ in range(1 + MOST_REDIRECTS):
        target = _target(url)
        location = _get(target, arrival)
        if location is None:
            return
        url = urljoin(url, location)
    raise PermanentError(f"{target}: redirected more than {MOST_REDIRECTS} times")


def _get(target: Target, arrival: Arrival) -> str | None:
    """Take the content over, or tell where the answer redirects to."""
    try:
        with (
            closing(_connected(target, arrival.patience.silence_seconds)) as connection,
            arrival.watched(lambda: _hang_up(connection)),
        ):
            headers = {"Host": _host_header(target), "User-Agent": "rowcrew", "Accept-Encoding": "identity"}
            connection.request("GET", target.url.request_uri, headers=headers, preload_content=False)
            with closing(connection.getresponse()) as response:
                if response.status in _REDIRECTS:
                    return _location(target, response)
                _require_success(target, response)
                _take_body(response, arrival)
                return None
    except ssl.SSLCertVerificationError as error:
        raise PermanentError(f"{target}: its certificate is not valid: {error.verify_message}") from error
    except (HTTPError, http.client.HTTPException, OSError) as error:
        raise TransferFailed(f"{target}: {_cause(error)}") from error
    except TransferFailed as error:
        raise TransferFailed(f"{target}: {error}") from error


def _connected(target: Target, silence_seconds: float) -> HTTPConnection:
    """A connection to the first of the judged addresses that answers."""
    failure: Exception | None = None
    for address in target.addresses:
        connection = _connection(target, str(address), silence_seconds)
        try:
            connection.connect()
        except ssl.SSLCertVerificationError:
            connection.close()
            raise
        except (HTTPError, OSError) as error:
            connection.close()
            failure = error
        else:
            return connection
    raise TransferFailed(f"cannot connect: {_cause(failure)}") from failure


def _connection(target: Target, address: str, silence_seconds: float) -> HTTPConnection:
    if target.url.scheme == "http":
        return HTTPConnection(address, target.port, timeout=silence_seconds)
    return HTTPSConnection(
        address,
        target.port,
        timeout=silence_seconds,
        server_hostname=target.host,
        cert_reqs="CERT_REQUIRED",
    )


def _hang_up(connection: HTTPConnection) -> None:
    if connection.sock is not None:
        connection.sock.shutdown(socket.SHUT_RDWR)


def _host_header(target: Target) -> str:
    host = target.url.host or ""
    return host if target.port == _PORTS[target.url.scheme or ""] else f"{host}:{target.port}"


def _location(target: Target, response: BaseHTTPResponse) -> str:
    location = response.headers.get("Location")
    if not location:
        raise PermanentError(f"{target}: answers {response.status} without saying where to go")
    return location


def _require_success(target: Target, response: BaseHTTPResponse) -> None:
    if response.status in _RETRYABLE or response.status >= 500:
        raise TransferFailed(f"it answers {response.status}")
    if response.status != 200:
        raise PermanentError(f"{target}: answers {response.status}")
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise PermanentError(f"{target}: sends its content as {encoding}, though asked for it as it is")


def _take_body(response: BaseHTTPResponse, arrival: Arrival) -> None:
    length = response.headers.get("Content-Length", "")
    if length.isdecimal():
        arrival.require_room(int(length))
    while part := response.read1(PART_BYTES, decode_content=False):
        arrival.take(part)


def _target(url: str) -> Target:
    """The hop behind a URL, judged.

    Raises:
        PermanentError: it must not be fetched, or its host does not exist.
        TransferFailed: the name service failed.
    """
    try:
        parts = parse_url(url)
    except LocationParseError as error:
        raise PermanentError("source.url is not a URL") from error
    if parts.scheme not in _PORTS or not parts.host:
        raise PermanentError("source.url must begin with https:// and a host")
    if parts.auth is not None:
        raise PermanentError("source.url must not hold a user or a password: give a URL that needs none")
    host = parts.host.strip("[]")
    target = Target(parts, host, parts.port or _PORTS[parts.scheme], ())
    addresses = _resolve(target)
    allowed = FileSettings.read().url_allow_private
    if wrong := objection(parts.scheme, addresses, allowed, setting="URL_ALLOW_PRIVATE"):
        raise PermanentError(f"{target}: {wrong}")
    return target._replace(addresses=addresses)


def _resolve(target: Target) -> list[Address]:
    try:
        return resolved(target.host, target.port)
    except (socket.gaierror, UnicodeError) as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise TransferFailed(f"{target}: the name service does not answer") from error
        raise PermanentError(f"{target}: there is no such host") from error


def _cause(error: BaseException | None) -> str:
    """In words that hold nothing of the URL."""
    if isinstance(error, HTTPError) and error.__cause__ is not None:
        return _cause(error.__cause__)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
