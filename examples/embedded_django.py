"""A Django site in one file, with a worker in each of its processes; handlers run in child processes.

Start it in this directory with DATABASE_URL set, by gunicorn, by an ASGI server or by Django's own:

    gunicorn --config python:embedded_django embedded_django:application
    uvicorn embedded_django:asgi_application
    python embedded_django.py runserver

Not in `AppConfig.ready`: `migrate`, `shell` and the reloader's first process pass through it as well.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import django
from django.conf import settings as site
from django.core.asgi import get_asgi_application
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV
from django.views.decorators.csrf import csrf_exempt

from rowcrew import Worker, WorkerThread, enqueue, get, settings

CREW = ["crew:crew"]
site.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    WSGI_APPLICATION=f"{__name__}.application",
    SECRET_KEY=os.urandom(32).hex(),
)
django.setup()
worker = WorkerThread(CREW, settings.read())


def split(request: HttpRequest) -> JsonResponse:
    """Enqueue a job and answer at once."""
    job = enqueue("split_text", {"text": request.GET["text"]}, priority="high")
    return JsonResponse({"job": job.id}, status=202)


def show(_request: HttpRequest, id: int) -> JsonResponse:
    """How a job stands."""
    job = get(id)
    if job is None:
        return JsonResponse({}, status=404)
    return JsonResponse({"status": job.status, "result": job.result, "error": job.error_message})


urlpatterns = [path("texts", csrf_exempt(split)), path("jobs/<int:id>", show)]

# WSGI: gunicorn calls these in each of its processes, after the fork and before the process ends.

application = get_wsgi_application()


def post_worker_init(_process: object) -> None:
    worker.start()


def worker_exit(_server: object, _process: object) -> None:
    worker.stop()


# Longer than SHUTDOWN_GRACE and five seconds: gunicorn kills what is left by then.
graceful_timeout = timeout = 60

# ASGI: Django does not answer a server that asks for its lifespan, so this does.

_django = get_asgi_application()


async def asgi_application(scope: Any, receive: Any, send: Any) -> None:
    """Django, and a worker from the server's start to its end."""
    if scope["type"] != "lifespan":
        await _django(scope, receive, send)
        return
    await receive()
    worker = Worker(CREW, settings.read())
    try:
        await worker.start()
    except Exception as error:
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        raise
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await worker.stop()
    await send({"type": "lifespan.shutdown.complete"})


def main() -> None:
    """As `manage.py`: the server alone has a worker; of a reloader's two processes, the second."""
    serves = sys.argv[1:2] == ["runserver"]
    if serves and ("--noreload" in sys.argv or os.environ.get(DJANGO_AUTORELOAD_ENV) == "true"):
        worker.start()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
