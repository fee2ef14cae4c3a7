"""The web of several databases: one process, the web of each below a path of its own, and a page above them.

In: the databases by name. Out: an ASGI application. Each database has its sampler, its connections and its
streams, so one that is down is told of and keeps no other waiting. Users, roles and sessions are those of the
first, for all. Called by the command line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from rowcrew.settings.readers import Database
from rowcrew.web import health
from rowcrew.web.api.offer import PREFIX
from rowcrew.web.api.openapi import openapi
from rowcrew.web.api.operation import Answer, Operation
from rowcrew.web.app import Web, guarded, live, of_database
from rowcrew.web.documents import json_response, json_text
from rowcrew.web.login import Login
from rowcrew.web.metrics import exposition
from rowcrew.web.pages.databases import Databases, sentence, standing
from rowcrew.web.pages.routes import STATIC
from rowcrew.web.pages.screen import DATABASES, Frame, environment
from rowcrew.web.proxy import Proxy
from rowcrew.web.sampler import Sampler
from rowcrew.web.shared import Shared, shared
from rowcrew.web.sign_in import SignIn


def application(databases: Sequence[Database], *, is_open: bool, proxy: Proxy | None = None) -> Web:
    """
    Args:
        is_open: whether others than this machine reach it, so that everybody has to sign in.
        proxy: who else is believed about who somebody is.
    """
    commons = {one.name: shared(one.url, name=one.name) for one in databases}
    first = next(iter(commons.values()))
    login = Login(looking=first.looking, changing=first.changing, is_required=is_open, proxy=proxy)
    webs = {name: of_database(common, login, names=list(commons)) for name, common in commons.items()}

    def stop() -> None:
        for web in webs.values():
            web.stop()

    async def close() -> None:
        await asyncio.gather(*(web.close() for web in webs.values()))

    @asynccontextmanager
    async def running(_: Any) -> AsyncIterator[None]:
        yield
        await close()

    templates = environment()
    frame = Frame(templates, names=list(commons), sign_out=login.leaves_by)
    above = [
        *_of_all(commons, frame),
        *SignIn(login, templates=templates).routes(),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    below = [
        route
        for name, web in webs.items()
        for route in (Route(f"{DATABASES}/{name}", _to_its_pages), Mount(f"{DATABASES}/{name}", web.app))
    ]
    router = Router([*below, Mount("/", guarded(above, frame, login))], lifespan=running)
    return Web(router, stop, close)


async def _to_its_pages(request: Request) -> Response:
    return RedirectResponse(f"{request.url.path}/", 307)


def _of_all(commons: Mapping[str, Shared], frame: Frame) -> list[BaseRoute]:
    """What is asked of all databases at once: each is looked at, and none is waited for long."""

    async def look() -> None:
        await asyncio.gather(*(common.sampler.look() for common in commons.values()))

    async def show(request: Request) -> Response:
        await look()
        rows = sorted((standing(name, common) for name, common in commons.items()), key=lambda one: one.rank)
        return frame.page(request, "databases", rows=rows, sentence=sentence(rows), screens=())

    async def list_databases(*_: object) -> Answer:
        await look()
        return Answer(Databases([standing(name, common) for name, common in commons.items()]))

    overview = Operation(
        "GET",
        "/databases",
        "list_databases",
        "All databases, as they were seen last.",
        list_databases,
        Databases,
    )
    document = json_text(openapi([overview], prefix=PREFIX))

    async def show_list(_: Request) -> Response:
        return json_response((await list_databases()).document)

    async def describe(_: Request) -> Response:
        return Response(document, media_type="application/json")

    async def ready(_: Request) -> Response:
        await look()
        return json_response(*health.ready_of_several({name: one.sampler for name, one in commons.items()}))

    async def metrics(request: Request) -> Response:
        await look()
        samplers: dict[str | None, Sampler] = {name: one.sampler for name, one in commons.items()}
        content, kind = exposition(samplers, request.headers.get("accept", ""))
        return Response(content, media_type=kind)

    return [
        Route("/", show),
        Route(f"{PREFIX}{overview.path}", show_list),
        Route(f"{PREFIX}/openapi.json", describe),
        Route("/livez", live),
        Route("/readyz", ready),
        Route("/metrics", metrics),
    ]
