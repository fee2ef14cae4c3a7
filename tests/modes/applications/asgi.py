"""A web application with a worker in its lifespan, as an ASGI server starts it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from rowcrew import Worker, settings


@asynccontextmanager
async def lifespan(_application: Starlette) -> AsyncIterator[None]:
    worker = Worker(["crew_under_test:crew"], settings.read())
    await worker.start()
    try:
        yield
    finally:
        await worker.stop()


application = Starlette(lifespan=lifespan)
