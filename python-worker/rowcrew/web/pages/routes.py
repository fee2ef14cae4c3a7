"""The routes of the pages, and of what they load.

In: links and the database's address. Out: routes, and what must stop with the server. Called by `web/app.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from rowcrew.table.web_users import WebRole
from rowcrew.web.pages import (
    bulk,
    database,
    edit,
    errors,
    job,
    jobs,
    now,
    queues,
    schedules,
    why,
    workers,
    workflow,
)
from rowcrew.web.pages.screen import Desk, View, endpoint

STATIC: Final = Path(__file__).with_name("static")

_VIEWS: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", "/", now.show_now),
    ("GET", "/jobs", jobs.list_jobs),
    ("POST", "/jobs/change", jobs.change_jobs),
    ("GET", "/jobs/{id}", job.show_job),
    ("POST", "/jobs/{id}/cancel", job.cancel_job),
    ("POST", "/jobs/{id}/requeue", job.requeue_job),
    ("GET", "/jobs/{id}/edit", edit.ask),
    ("POST", "/jobs/{id}/edit", edit.requeue),
    ("GET", "/bulk", bulk.ask),
    ("POST", "/bulk", bulk.begin),
    ("GET", "/bulk/{id}", bulk.show),
    ("POST", "/bulk/{id}/stop", bulk.stop),
    ("GET", "/why", why.show_why),
    ("GET", "/errors", errors.list_errors),
    ("GET", "/workers", workers.list_workers),
    ("POST", "/workers/drain", workers.drain),
    ("POST", "/workers/resume", workers.resume),
    ("POST", "/workers/terminate", workers.terminate),
    ("GET", "/schedules", schedules.list_schedules),
    ("POST", "/schedules/pause", schedules.pause),
    ("POST", "/schedules/resume", schedules.resume),
    ("POST", "/schedules/trigger", schedules.trigger),
    ("GET", "/limits", queues.show_limits),
    ("POST", "/queues/pause", queues.pause),
    ("POST", "/queues/resume", queues.resume),
    ("POST", "/queues/set", queues.set_limits),
    ("GET", "/database", database.show_database),
    ("GET", "/workflows/{id}", workflow.show_workflow),
    ("POST", "/workflows/{id}/cancel", workflow.cancel),
    ("POST", "/workflows/{id}/requeue", workflow.requeue),
)

_OF_ADMINS: Final[tuple[View, ...]] = (workers.drain, workers.resume, workers.terminate, queues.set_limits)


def routes(desk: Desk) -> list[BaseRoute]:
    return [
        *(
            Route(path, endpoint(desk, view, needs=_needs(method, view)), methods=[method])
            for method, path, view in _VIEWS
        ),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


def _needs(method: str, view: View) -> WebRole:
    """The role that the API asks for the same."""
    if method == "GET":
        return "operator" if view is edit.ask else "viewer"
    return "admin" if view in _OF_ADMINS else "operator"
