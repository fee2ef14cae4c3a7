"""A web application whose handlers reach what lives in its own process: the browsers that listen.

Start it in this directory with DATABASE_URL set:
`uvicorn fastapi_inline:application --timeout-graceful-shutdown 5`. Any backend inserts a job `announce`, and
everybody who reads `/news` hears it: the handler runs on the server's own event loop. With several server
processes a job runs in one of them, and only its listeners hear it. Without the timeout uvicorn waits for
those who listen, and the worker never stops.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from rowcrew import Crew, Worker, settings

crew = Crew()
listeners: set[asyncio.Queue[str]] = set()


@crew.job
async def announce(text: str) -> int:
    """Tell everybody who listens to this process; how many that were."""
    for listener in listeners:
        listener.put_nowait(text)
    return len(listeners)


@asynccontextmanager
async def lifespan(_application: FastAPI) -> AsyncIterator[None]:
    """Run a worker on this event loop for as long as the application lives."""
    worker = Worker([f"{__name__}:crew"], settings.read(), executor="inline")
    await worker.start()
    try:
        yield
    finally:
        await worker.stop()


application = FastAPI(lifespan=lifespan)


@application.get("/news")
async def news() -> StreamingResponse:
    """Each announcement from now on, as an event."""
    return StreamingResponse(_events(), media_type="text/event-stream")


async def _events() -> AsyncIterator[str]:
    mine: asyncio.Queue[str] = asyncio.Queue()
    listeners.add(mine)
    try:
        yield ": listening\n\n"
        while True:
            yield f"data: {json.dumps(await mine.get())}\n\n"
    finally:
        listeners.discard(mine)
