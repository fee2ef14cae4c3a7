"""A Flask application with a worker in each of its processes; handlers run in child processes.

Start it in this directory with DATABASE_URL set, by gunicorn or by Flask's own server:

    gunicorn --config python:embedded_flask embedded_flask:application
    python embedded_flask.py

Nothing starts at import: servers that fork, reloaders and `flask routes` import this file as well.
"""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, abort, request
from werkzeug.serving import is_running_from_reloader

from rowcrew import WorkerThread, enqueue, get, settings

application = Flask(__name__)
worker = WorkerThread(["crew:crew"], settings.read())


@application.get("/ready")
def ready() -> tuple[dict[str, str], int]:
    """Whether this process may have traffic: its worker is there and well."""
    status = worker.health().status
    return {"status": status}, 200 if status == "healthy" else 503


@application.post("/texts")
def split() -> tuple[dict[str, int], int]:
    """Enqueue a job and answer at once."""
    job = enqueue("split_text", {"text": request.args["text"]}, priority="high")
    return {"job": job.id}, 202


@application.get("/jobs/<int:id>")
def show(id: int) -> dict[str, Any]:
    """How a job stands."""
    job = get(id)
    if job is None:
        abort(404)
    return {"status": job.status, "progress": job.progress, "result": job.result, "error": job.error_message}


# gunicorn calls these in each of its processes: after the fork, and before the process ends.


def post_worker_init(_process: object) -> None:
    worker.start()


def worker_exit(_server: object, _process: object) -> None:
    worker.stop()


# Longer than SHUTDOWN_GRACE and five seconds: gunicorn kills what is left by then.
graceful_timeout = timeout = 60


if __name__ == "__main__":
    # The reloader runs this file twice; the first process only watches files and starts the second anew.
    if is_running_from_reloader():
        worker.start()
    application.run(port=int(os.environ.get("PORT", "8000")), use_reloader=True)
