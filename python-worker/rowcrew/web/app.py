"""The web application: routes, and what is shared between requests while it runs.

In: the address of the database. Out: an ASGI application with its guard. Called by the command line, by
`several` for each database, and by `mount`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Lifespan

from rowcrew.web import health
from rowcrew.web.api import offer
from rowcrew.web.documents import json_response
from rowcrew.web.guard import Guard
from rowcrew.web.login import Login
from rowcrew.web.metrics import exposition
from rowcrew.web.pages import routes as pages
from rowcrew.web.pages.for_people import ForPeople
from rowcrew.web.pages.screen import Desk, Frame, environment
from rowcrew.web.problems import problem_response
from rowcrew.web.proxy import Proxy
from rowcrew.web.shared import Shared, shared
from rowcrew.web.sign_in import SignIn


class Web(NamedTuple):
    """The application.

    Attributes:
        stop: lets its streams end when the server is asked to leave.
        close: ends its looks and connections; the application's own lifespan does so, where a server runs it.
    """

    app: ASGIApp
    stop: Callable[[], None]
    close: Callable[[], Awaitable[None]]


def application(
    address: str, *, is_open: bool, stream_seconds: float | None = None, proxy: Proxy | None = None
) -> Web:
    """
    Args:
        is_open: whether others than this machine reach it, so that everybody has to sign in.
        stream_seconds: how long a stream goes on at most before its client has to ask again; None = for ever.
        proxy: who else is believed about who somebody is.
    """
    common = shared(address, stream_seconds=stream_seconds)
    login = Login(looking=common.looking, changing=common.changing, is_required=is_open, proxy=proxy)
    return of_database(common, login)


def of_database(common: Shared, login: Login, *, names: Sequence[str] = ()) -> Web:
    """The web of one database.

    Args:
        login: whose users those who ask must be; they may be of another database.
        names: of all databases that the process serves, if there are several.
    """
    templates = environment()
    desk = Desk(common, templates, names=names, sign_out=login.leaves_by)

    async def close() -> None:
        await desk.seen.stop()
        await common.close()

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        yield
        await close()

    routes = [
        *offer.routes(common),
        *_signs_of_life(common),
        *SignIn(login, templates=templates, name=common.name).routes(),
        *pages.routes(desk),
    ]
    return Web(guarded(routes, desk, login, lifespan=running), common.stop, close)


def guarded(
    routes: Sequence[BaseRoute], frame: Frame, login: Login, *, lifespan: Lifespan[Starlette] | None = None
) -> ASGIApp:
    """The routes for those whom the guard lets in, with problems as pages for people."""
    app = Starlette(
        routes=routes, exception_handlers={HTTPException: _refused, Exception: _failed}, lifespan=lifespan
    )
    return ForPeople(Guard(app, login=login), frame)


async def live(_: Request) -> Response:
    return json_response({"status": "live"})


def _signs_of_life(common: Shared) -> list[Route]:
    sampler = common.sampler

    async def ready(_: Request) -> Response:
        await sampler.look()
        return json_response(*health.ready(sampler))

    async def worker_health(_: Request) -> Response:
        await sampler.look()
        return json_response(*health.worker_health(sampler))

    async def metrics(request: Request) -> Response:
        await sampler.look()
        content, kind = exposition({common.name: sampler}, request.headers.get("accept", ""))
        return Response(content, media_type=kind)

    return [
        Route("/livez", live),
        Route("/readyz", ready),
        Route("/worker/health", worker_health),
        Route("/metrics", metrics),
    ]


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return problem_response(
        error.status_code, f"{request.method} {request.url.path}: {error.detail}", headers=headers
    )


async def _failed(_: Request, __: Exception) -> Response:
    return problem_response(500, "this is our fault; the server's standard error has the traceback")
