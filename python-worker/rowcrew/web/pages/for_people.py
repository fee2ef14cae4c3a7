"""Problems as pages: what the guard or the router refuses is a page in a browser's window, not JSON.

In: the whole application. Out: the same, with problem documents rendered for whoever asked for HTML. Wrapped
around everything by `web/app.py`.
"""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rowcrew.web.pages.screen import Frame
from rowcrew.web.problems import MEDIA_TYPE, UNMIGRATED, ProblemDocument

_TITLES: Final = {503: "Rowcrew cannot reach the database.", 404: "There is no such page."}


class ForPeople:
    """The middleware that holds a problem document back until it is whole, and sends a page in its place.

    Args:
        frame: makes the page.
    """

    def __init__(self, app: ASGIApp, frame: Frame) -> None:
        self._app = app
        self._frame = frame

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "text/html" not in Headers(scope=scope).get("accept", ""):
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def send_or_hold(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_problem(message):
                held.append(message)
            elif not held:
                await send(message)
            else:
                held.append(message)
                if not message.get("more_body", False):
                    await self._send_page(scope, held, send)

        await self._app(scope, receive, send_or_hold)

    async def _send_page(self, scope: Scope, held: list[Message], send: Send) -> None:
        start, *parts = held
        told = msgspec.json.decode(b"".join(part["body"] for part in parts), type=ProblemDocument)
        title = _TITLES.get(told.status, f"{told.title}.")
        helps = "rowcrew doctor" if told.status >= 500 else ""
        if UNMIGRATED in told.detail:
            title, helps = "The tables are not there.", "rowcrew migrate"
        page = self._frame.problem(Request(scope), told.status, title, told.detail, helps)
        headers = MutableHeaders(scope=start)
        for name in ("content-type", "content-length"):
            headers[name] = page.headers[name]
        await send(start)
        await send({"type": "http.response.body", "body": page.body})


def _is_problem(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith(MEDIA_TYPE)
