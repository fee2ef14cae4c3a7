"""Errors: what went wrong lately, one line for each type and message; requeue what failed of one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin import looks
from rowcrew.table.link import Link
from rowcrew.table.looks import SeenError
from rowcrew.web.pages.screen import Desk


async def look(link: Link) -> list[SeenError]:
    return await looks.errors(link)


async def list_errors(desk: Desk, request: Request) -> Response:
    sight = await desk.seen.see("errors", look)
    return desk.sight_page(request, "errors", sight, facts=dict)
