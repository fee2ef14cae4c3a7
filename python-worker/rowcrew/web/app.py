"""The web application: routes, and what is shared between requests while it runs.

In: the address of the database. Out: an ASGI application with its guard. Called by `serving`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from rowcrew.web import health
from rowcrew.web.api import offer
from rowcrew.web.documents import json_response
from rowcrew.web.guard import Guard
from rowcrew.web.login import Login
from rowcrew.web.metrics import exposition
from rowcrew.web.pages import routes as pages
from rowcrew.web.pages.for_people import ForPeople
from rowcrew.web.pages.screen import Desk, environment
from rowcrew.web.problems import problem_response
from rowcrew.web.proxy import Proxy
from rowcrew.web.sampler import Sampler
from rowcrew.web.shared import shared
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
    templates = environment()
    desk = Desk(common, templates, sign_out=proxy.sign_out if proxy else None)

    async def close() -> None:
        await desk.seen.stop()
        await common.close()

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        yield
        await close()

    app = Starlette(
        routes=[
            *offer.routes(common),
            *_signs_of_life(common.sampler),
            *SignIn(login, templates=templates).routes(),
            *pages.routes(desk),
        ],
        exception_handlers={HTTPException: _refused, Exception: _failed},
        lifespan=running,
    )
    return Web(ForPeople(Guard(app, login=login), desk), common.stop, close)


def _signs_of_life(sampler: Sampler) -> list[Route]:
    async def live(_: Request) -> Response:
        return json_response({"status": "live"})

    async def ready(_: Request) -> Response:
        await sampler.look()
        return json_response(*health.ready(sampler))

    async def worker_health(_: Request) -> Response:
        await sampler.look()
        return json_response(*health.worker_health(sampler))

    async def metrics(request: Request) -> Response:
        await sampler.look()
        content, kind = exposition(sampler, request.headers.get("accept", ""))
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
