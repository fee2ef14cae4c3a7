"""Rowcrew: background jobs on the PostgreSQL you already have.

The public names. They are imported when first used, so that a command such as `rowcrew healthcheck` pays for
nothing it does not need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rowcrew import installed

__version__ = installed.VERSION

if TYPE_CHECKING:
    from rowcrew.client import (
        Batch,
        Enqueued,
        batch,
        batch_async,
        emit,
        emit_async,
        enqueue,
        enqueue_async,
        enqueue_many,
        enqueue_many_async,
        get,
        get_async,
    )
    from rowcrew.context import Cancel, Context, Dependency, PermanentError, Retry, Snooze
    from rowcrew.control.thread import WorkerThread
    from rowcrew.crew import Crew
    from rowcrew.ends import wait, wait_async
    from rowcrew.model.backoff import Backoff
    from rowcrew.model.errors import (
        InvalidEvent,
        InvalidJob,
        JobCancelled,
        JobFailed,
        JobGone,
        LeaseLost,
        NotEnded,
        ResultGone,
        RowcrewError,
        SettingsError,
    )
    from rowcrew.model.event import NewEvent
    from rowcrew.model.new_job import NewJob
    from rowcrew.table.no_transaction import no_transaction
    from rowcrew.worker import Worker

_HOME = {
    "Backoff": "model.backoff",
    "Batch": "client",
    "Cancel": "context",
    "Context": "context",
    "Crew": "crew",
    "Dependency": "context",
    "Enqueued": "client",
    "InvalidEvent": "model.errors",
    "InvalidJob": "model.errors",
    "JobCancelled": "model.errors",
    "JobFailed": "model.errors",
    "JobGone": "model.errors",
    "LeaseLost": "model.errors",
    "NewEvent": "model.event",
    "NewJob": "model.new_job",
    "NotEnded": "model.errors",
    "PermanentError": "context",
    "ResultGone": "model.errors",
    "Retry": "context",
    "RowcrewError": "model.errors",
    "SettingsError": "model.errors",
    "Snooze": "context",
    "Worker": "worker",
    "WorkerThread": "control.thread",
    "batch": "client",
    "batch_async": "client",
    "emit": "client",
    "emit_async": "client",
    "enqueue": "client",
    "enqueue_async": "client",
    "enqueue_many": "client",
    "enqueue_many_async": "client",
    "get": "client",
    "get_async": "client",
    "no_transaction": "table.no_transaction",
    "wait": "ends",
    "wait_async": "ends",
}

__all__ = [
    "Backoff",
    "Batch",
    "Cancel",
    "Context",
    "Crew",
    "Dependency",
    "Enqueued",
    "InvalidEvent",
    "InvalidJob",
    "JobCancelled",
    "JobFailed",
    "JobGone",
    "LeaseLost",
    "NewEvent",
    "NewJob",
    "NotEnded",
    "PermanentError",
    "ResultGone",
    "Retry",
    "RowcrewError",
    "SettingsError",
    "Snooze",
    "Worker",
    "WorkerThread",
    "batch",
    "batch_async",
    "emit",
    "emit_async",
    "enqueue",
    "enqueue_async",
    "enqueue_many",
    "enqueue_many_async",
    "get",
    "get_async",
    "no_transaction",
    "wait",
    "wait_async",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
