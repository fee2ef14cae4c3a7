"""Who may ask: programs of this machine, or who has signed in; and what browsers may do with our answers.

In: a request before anything reads it. Out: the same request, or a refusal; every answer with the headers
that forbid scripts, frames and guesses from elsewhere. Wrapped around the whole application.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlencode, urlsplit

import psycopg
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rowcrew.model.errors import RowcrewError
from rowcrew.web.login import LOCAL, USER, Login
from rowcrew.web.problems import answer_to_stranger, problem_response

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_HARMLESS: Final = ("GET", "HEAD", "OPTIONS")

_SIGNS_OF_LIFE: Final = ("/livez", "/readyz", "/worker/health")
_OPEN: Final = frozenset(
    {
        *((method, path) for method in ("GET", "HEAD") for path in (*_SIGNS_OF_LIFE, "/login")),
        ("POST", "/login"),
        ("POST", "/api/v1/session"),
    }
)
"""What needs no login: what platforms ask, and the login itself."""


class Guard:
    """The middleware that asks who sends a request, and refuses what pages of others make a browser send.

    Without a login whoever reaches this server is let in, so it must be this machine. A name that leads here
    is not enough: whoever owns a domain may let it lead to 127.0.0.1, and a browser then takes their page
    for ours. So the host of a request must be this machine by name or by address.
    """

    def __init__(self, app: ASGIApp, *, login: Login) -> None:
        self._app = app
        self._login = login

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

        answer = await self._refusal(scope) or self._app
        # A copy, for a mounted application notes its own path there, and a page about its answer needs ours.
        await answer({**scope}, receive, send_with_headers)

    async def _refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that goes no further; None = it does, and its scope says who sends it."""
        headers, is_change = Headers(scope=scope), scope["method"] not in _HARMLESS
        if is_change and (refusal := _from_elsewhere(headers)):
            return problem_response(403, refusal)
        try:
            if not await self._login.is_required():
                return _local(scope, headers)
            if is_open(scope):
                return None
            user = await self._login.user(scope, headers)
        except (RowcrewError, psycopg.Error) as error:
            return None if is_open(scope) else answer_to_stranger(error)
        if user is None:
            return _sign_in_first(scope, headers)
        if user.by_cookie and is_change and not _says_where_from(headers):
            return problem_response(403, "a browser says from which page a change comes; use a token")
        if is_change and not user.may_act_as("operator") and _path(scope) != "/logout":
            return problem_response(403, f"{user.name} is {user.role}, who looks and changes nothing")
        scope[USER] = user
        return None


def is_open(scope: Scope) -> bool:
    """Whether this is answered without a login."""
    return (scope["method"], _path(scope)) in _OPEN or _path(scope).startswith("/static/")


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine, and nothing else ever."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _local(scope: Scope, headers: Headers) -> Response | None:
    host = headers.get("host", "")
    if not is_loopback(_name_of(host)):
        return problem_response(403, f"this server answers under localhost and 127.0.0.1, not as {host!r}")
    scope[USER] = LOCAL
    return None


def _sign_in_first(scope: Scope, headers: Headers) -> Response:
    """People are led to the page where they sign in, programs are told to show a token."""
    if scope["method"] in _HARMLESS and "text/html" in headers.get("accept", ""):
        way = urlencode({"next": _path(scope)})
        return RedirectResponse(f"{scope.get('root_path', '')}/login?{way}", 303)
    return problem_response(
        401,
        "sign in, or send a token: `rowcrew web users token NAME` makes one",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _path(scope: Scope) -> str:
    """The path below the prefix under which another application has it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def _from_elsewhere(headers: Headers) -> str | None:
    """What is wrong with a change that a page of another site sends; None = none does."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return "a page of another site sent this request; changes come from our own pages, or from programs"
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
        return f"a page of {origin} sent this request; changes come from our own pages, or from programs"
    return None


def _says_where_from(headers: Headers) -> bool:
    return "origin" in headers or "sec-fetch-site" in headers


def _name_of(host: str) -> str:
    """The host without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
