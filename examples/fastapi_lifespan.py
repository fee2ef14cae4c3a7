"""A web application with a worker inside, started and stopped with it; handlers run in child processes.

Start it in this directory with DATABASE_URL set, for instance with `uvicorn fastapi_lifespan:application`.
Several server processes are several workers, which is fine. Any worker may run what the application enqueues:
with `--lifespan off` the application has none, and `rowcrew worker crew:crew` runs beside it.
A platform that asks `/ready` replaces a server whose worker has broken; its jobs go to other workers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException

from rowcrew import Worker, enqueue_async, get_async, settings


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    """Run a worker for as long as the application lives."""

    def broken(error: BaseException) -> None:
        application.state.failure = error

    worker = Worker(["crew:crew"], settings.read(), on_failure=broken)
    await worker.start()
    try:
        yield
    finally:
        await worker.stop()


application = FastAPI(lifespan=lifespan)
application.state.failure = None


@application.get("/ready")
async def ready() -> dict[str, bool]:
    """Whether this server may have traffic: its worker has not broken."""
    if application.state.failure is not None:
        raise HTTPException(503, "the worker has broken and stopped; its log says why")
    return {"ready": True}


@application.post("/texts", status_code=202)
async def split(text: str) -> dict[str, int]:
    """Enqueue a job and answer at once."""
    job = await enqueue_async("split_text", {"text": text}, priority="high")
    return {"job": job.id}


@application.get("/jobs/{id}")
async def show(id: int) -> dict[str, Any]:
    """How a job stands."""
    job = await get_async(id)
    if job is None:
        raise HTTPException(404)
    return {"status": job.status, "progress": job.progress, "result": job.result, "error": job.error_message}
