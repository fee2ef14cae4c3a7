"""The web as a part of another ASGI application, such as one of FastAPI, Starlette or Django.

In: the address of a database. Out: an application to mount below any path, and a lifespan for the one around
it. Called by users' programs. Everybody has to sign in: nobody knows who reaches the program around it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from rowcrew import settings
from rowcrew.web.app import application

STREAM_SECONDS: Final = 10.0
"""How long a stream goes on before its client has to ask again.

A server that is told to leave waits for its open answers before it tells any application, and it tells none
that is mounted. A stream without an end would keep it for ever.
"""


class Mounted:
    """The web, to be mounted: `application.mount("/rowcrew", Mounted())`.

    Args:
        database_url: as DATABASE_URL, which it is by default.
    """

    def __init__(self, database_url: str | None = None) -> None:
        address = database_url or settings.producer().require_database_url()
        self._web = application(address, is_open=True, stream_seconds=STREAM_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._web.app(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self, _: Any = None) -> AsyncIterator[None]:
        """Close its connections when the application around it ends."""
        try:
            yield
        finally:
            await self._web.close()
