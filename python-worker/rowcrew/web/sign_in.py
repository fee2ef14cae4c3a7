"""The routes for signing in and out: a page for people, and the same for programs.

In: a name and a password. Out: a cookie. Mounted by `web/app.py` where there is a login.
"""

from __future__ import annotations

from html import escape
from typing import Final
from urllib.parse import parse_qs, urlencode

import msgspec
import psycopg
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from rowcrew.model.errors import RowcrewError
from rowcrew.web.bodies import body_of
from rowcrew.web.documents import json_response, read_body
from rowcrew.web.login import NO_COOKIE, Login, Throttled, cookie, safe_way, user_of
from rowcrew.web.problems import answer_to, problem_response

SIGN_IN: Final = "/login"
_FORM_BYTES: Final = 8_192
_WRONG: Final = "name or password is wrong"

_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign in · Rowcrew</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{root}/static/pages.css"></head>
<body class="door"><main><h1>Rowcrew</h1>
<form method="post" action="{action}">
<p role="alert">{problem}</p>
<p><label>Name <input class="input" name="name" autocomplete="username" required autofocus></label></p>
<p><label>Password <input class="input" name="password" type="password" autocomplete="current-password"
required></label></p>
<p><button class="button primary">Sign in</button></p>
</form></main></body></html>
"""


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who somebody says to be, with the proof."""

    name: str
    password: str


class SignIn:
    """The routes, and the login that they use.

    Args:
        address: of the database, for error texts.
    """

    def __init__(self, login: Login, *, address: str) -> None:
        self._login = login
        self._address = address

    def routes(self) -> list[Route]:
        return [
            Route(SIGN_IN, show, methods=["GET"]),
            Route(SIGN_IN, self.sign_in, methods=["POST"]),
            Route("/logout", self.sign_out, methods=["POST"]),
            Route("/api/v1/session", self.sign_in_program, methods=["POST"]),
            Route("/api/v1/session", who, methods=["GET"]),
        ]

    async def sign_in(self, request: Request) -> Response:
        try:
            form = parse_qs(
                (await body_of(request, most=_FORM_BYTES)).decode(errors="replace"), keep_blank_values=True
            )
            given = Credentials(*(form.get(field, [""])[0] for field in ("name", "password")))
            secret = await self._login.sign_in(given.name, given.password, address=_address(request))
        except Throttled as error:
            return page(request, str(error), status=429, headers={"Retry-After": str(error.seconds)})
        except (RowcrewError, psycopg.Error) as error:
            return answer_to(error, self._address)
        if secret is None:
            return page(request, _WRONG, status=403)
        way = request.scope.get("root_path", "") + safe_way(request.query_params.get("next", "/"))
        return RedirectResponse(way, 303, {"Set-Cookie": cookie(secret)})

    async def sign_in_program(self, request: Request) -> Response:
        try:
            given = read_body(await body_of(request, most=_FORM_BYTES), Credentials)
            secret = await self._login.sign_in(given.name, given.password, address=_address(request))
        except Throttled as error:
            return problem_response(429, str(error), headers={"Retry-After": str(error.seconds)})
        except (RowcrewError, psycopg.Error) as error:
            return answer_to(error, self._address)
        if secret is None:
            return problem_response(403, _WRONG)
        return json_response({"name": given.name}, 201, {"Set-Cookie": cookie(secret)})

    async def sign_out(self, request: Request) -> Response:
        try:
            await self._login.sign_out(request.headers)
        except (RowcrewError, psycopg.Error) as error:
            return answer_to(error, self._address)
        way = request.scope.get("root_path", "") + SIGN_IN
        return RedirectResponse(way, 303, {"Set-Cookie": NO_COOKIE})


async def show(request: Request) -> Response:
    """The page where people sign in."""
    return page(request)


async def who(request: Request) -> Response:
    user = user_of(request.scope)
    return json_response({"name": user.name, "role": user.role, "readsPayloads": user.sees_payloads})


def page(
    request: Request, problem: str = "", *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    way = safe_way(request.query_params.get("next", "/"))
    action = f"{request.scope.get('root_path', '')}{SIGN_IN}?{urlencode({'next': way})}"
    root = escape(request.scope.get("root_path", ""))
    content = _PAGE.format(root=root, action=escape(action), problem=escape(problem))
    return HTMLResponse(content, status, headers)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
