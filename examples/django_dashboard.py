"""A Django site in one file with the dashboard of Rowcrew at /rowcrew, for those who have signed in there.

Start it in this directory with DATABASE_URL set: `uvicorn django_dashboard:application`. Before that, add
somebody who may sign in: `rowcrew web users add ann --role admin`. In a site of more files these lines belong
into its `asgi.py`. A site behind a server of WSGI has `rowcrew web` beside it.
"""

from __future__ import annotations

import os

import django
from django.conf import settings as site
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from starlette.applications import Starlette
from starlette.routing import Mount

from rowcrew import enqueue_async
from rowcrew.web.mount import Mounted

site.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.urandom(32).hex(),
)
django.setup()


async def split(request: HttpRequest) -> JsonResponse:
    """Enqueue a job, which the dashboard then shows."""
    job = await enqueue_async("split_text", {"text": request.GET["text"]})
    return JsonResponse({"job": job.id}, status=202)


urlpatterns = [path("texts", csrf_exempt(split))]

dashboard = Mounted()
application = Starlette(
    routes=[Mount("/rowcrew", dashboard), Mount("/", get_asgi_application())],
    lifespan=dashboard.lifespan,
)
