"""Who may ask: programs of this machine, and pages of our own; and what browsers may do with our answers.

In: a request before anything reads it. Out: the same request, or a refusal; every answer with the headers
that forbid scripts, frames and guesses from elsewhere. Wrapped around the whole application.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rowcrew.web.problems import problem_response

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_HARMLESS: Final = ("GET", "HEAD", "OPTIONS")


class Guard:
    """The middleware that refuses what a page of somebody else may make a browser send.

    A name that leads here is not enough: whoever owns a domain may let it lead to 127.0.0.1, and a browser
    then takes their page for ours. So the host of a request must be this machine by name or by address.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if refusal := _refusal(scope["method"], Headers(scope=scope)):
            answer = problem_response(403, refusal)
            await answer(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine, and nothing else ever."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(method: str, headers: Headers) -> str | None:
    """Why the request is refused; None = it is not."""
    host = headers.get("host", "")
    if not is_loopback(_name_of(host)):
        return f"this server answers under localhost and 127.0.0.1, not as {host!r}"
    if method in _HARMLESS:
        return None
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return "a page of another site sent this request; changes come from our own pages, or from programs"
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return f"a page of {origin} sent this request; changes come from our own pages, or from programs"
    return None


def _name_of(host: str) -> str:
    """The host without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
