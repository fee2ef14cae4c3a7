"""The routes for signing in and out: a page for people, and the same for programs.

In: a name and a password. Out: a cookie. Mounted by `web/app.py`.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, urlencode

import msgspec
import psycopg
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from rowcrew.model.errors import RowcrewError
from rowcrew.web.bodies import body_of
from rowcrew.web.documents import json_response, read_body
from rowcrew.web.login import Login, Throttled, cookie, no_cookie, safe_way, user_of
from rowcrew.web.pages.screen import above
from rowcrew.web.problems import answer_to_stranger, problem_response

SIGN_IN: Final = "/login"
_FORM_BYTES: Final = 8_192
_WRONG: Final = "Name or password is wrong."


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who somebody says to be, with the proof."""

    name: str
    password: str


class SignIn:
    """The routes, and the login that they use.

    Args:
        templates: have the page.
        name: of the database whose pages these are, among several.
    """

    def __init__(self, login: Login, *, templates: Environment, name: str | None = None) -> None:
        self._login = login
        self._name = name
        self._page = templates.get_template("sign_in.html")

    def routes(self) -> list[Route]:
        return [
            Route(SIGN_IN, self.show, methods=["GET"]),
            Route(SIGN_IN, self.sign_in, methods=["POST"]),
            Route("/logout", self.sign_out, methods=["POST"]),
            Route("/api/v1/session", self.sign_in_program, methods=["POST"]),
            Route("/api/v1/session", who, methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        """The page where people sign in."""
        return self._shown(request)

    async def sign_in(self, request: Request) -> Response:
        try:
            form = parse_qs(
                (await body_of(request, most=_FORM_BYTES)).decode(errors="replace"), keep_blank_values=True
            )
            given = Credentials(*(form.get(field, [""])[0] for field in ("name", "password")))
            secret = await self._login.sign_in(given.name, given.password, address=_address(request))
        except Throttled as error:
            return self._shown(request, str(error), status=429, headers={"Retry-After": str(error.seconds)})
        except (RowcrewError, psycopg.Error) as error:
            return answer_to_stranger(error)
        if secret is None:
            return self._shown(request, _WRONG, status=403)
        way = request.scope.get("root_path", "") + safe_way(request.query_params.get("next", "/"))
        return RedirectResponse(way, 303, {"Set-Cookie": cookie(secret, root=self._above(request))})

    async def sign_in_program(self, request: Request) -> Response:
        try:
            given = read_body(await body_of(request, most=_FORM_BYTES), Credentials)
            secret = await self._login.sign_in(given.name, given.password, address=_address(request))
        except Throttled as error:
            return problem_response(429, str(error), headers={"Retry-After": str(error.seconds)})
        except (RowcrewError, psycopg.Error) as error:
            return answer_to_stranger(error)
        if secret is None:
            return problem_response(403, _WRONG)
        return json_response(
            {"name": given.name}, 201, {"Set-Cookie": cookie(secret, root=self._above(request))}
        )

    async def sign_out(self, request: Request) -> Response:
        try:
            await self._login.sign_out(request.headers)
        except (RowcrewError, psycopg.Error) as error:
            return answer_to_stranger(error)
        way = request.scope.get("root_path", "") + SIGN_IN
        return RedirectResponse(way, 303, {"Set-Cookie": no_cookie(root=self._above(request))})

    def _above(self, request: Request) -> str:
        """The path that the pages of all databases lie below: a session is one of all."""
        return above(request.scope.get("root_path", ""), self._name)

    def _shown(
        self, request: Request, problem: str = "", *, status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        root = request.scope.get("root_path", "")
        way = urlencode({"next": safe_way(request.query_params.get("next", "/"))})
        content = self._page.render(root=root, action=f"{root}{SIGN_IN}?{way}", problem=problem)
        return HTMLResponse(content, status, headers)


async def who(request: Request) -> Response:
    user = user_of(request.scope)
    return json_response({"name": user.name, "role": user.role, "readsPayloads": user.sees_payloads})


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
