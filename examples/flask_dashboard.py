"""A Flask application with the dashboard of Rowcrew at /rowcrew, for those who have signed in there.

Start it in this directory with DATABASE_URL set: `uvicorn flask_dashboard:application`. Before that, add
somebody who may sign in: `rowcrew web users add ann --role admin`. Flask speaks WSGI, so asgiref turns it
round, as Flask's own pages have it. Behind a server of WSGI, such as gunicorn, run `rowcrew web` beside it.
"""

from __future__ import annotations

from asgiref.wsgi import WsgiToAsgi
from flask import Flask, request
from starlette.applications import Starlette
from starlette.routing import Mount

from rowcrew import enqueue
from rowcrew.web.mount import Mounted

flask = Flask(__name__)


@flask.post("/texts")
def split() -> tuple[dict[str, int], int]:
    """Enqueue a job, which the dashboard then shows."""
    job = enqueue("split_text", {"text": request.args["text"]})
    return {"job": job.id}, 202


dashboard = Mounted()
application = Starlette(
    routes=[Mount("/rowcrew", dashboard), Mount("/", WsgiToAsgi(flask))], lifespan=dashboard.lifespan
)
