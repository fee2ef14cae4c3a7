"""A web application with the dashboard of Rowcrew at /rowcrew, for those who have signed in there.

Start it in this directory with DATABASE_URL set: `uvicorn fastapi_dashboard:application`. Before that, add
somebody who may sign in: `rowcrew web users add ann --role admin`.
"""

from __future__ import annotations

from fastapi import FastAPI

from rowcrew import enqueue_async
from rowcrew.web.mount import Mounted

dashboard = Mounted()
application = FastAPI(lifespan=dashboard.lifespan)
application.mount("/rowcrew", dashboard)


@application.post("/texts", status_code=202)
async def split(text: str) -> dict[str, int]:
    """Enqueue a job, which the dashboard then shows."""
    job = await enqueue_async("split_text", {"text": text})
    return {"job": job.id}
