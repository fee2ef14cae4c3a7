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
        Enqueued,
        enqueue,
        enqueue_async,
        enqueue_many,
        enqueue_many_async,
        get,
        get_async,
    )
    from rowcrew.context import Cancel, Context, PermanentError, Retry, Snooze
    from rowcrew.control.worker import Worker
    from rowcrew.crew import Crew
    from rowcrew.model.backoff import Backoff
    from rowcrew.model.errors import InvalidEvent, InvalidJob, LeaseLost, RowcrewError, SettingsError
    from rowcrew.model.new_job import NewJob
    from rowcrew.table.no_transaction import no_transaction

_HOME = {
    "Backoff": "model.backoff",
    "Cancel": "context",
    "Context": "context",
    "Crew": "crew",
    "Enqueued": "client",
    "InvalidEvent": "model.errors",
    "InvalidJob": "model.errors",
    "LeaseLost": "model.errors",
    "NewJob": "model.new_job",
    "PermanentError": "context",
    "Retry": "context",
    "RowcrewError": "model.errors",
    "SettingsError": "model.errors",
    "Snooze": "context",
    "Worker": "control.worker",
    "enqueue": "client",
    "enqueue_async": "client",
    "enqueue_many": "client",
    "enqueue_many_async": "client",
    "get": "client",
    "get_async": "client",
    "no_transaction": "table.no_transaction",
}

__all__ = [
    "Backoff",
    "Cancel",
    "Context",
    "Crew",
    "Enqueued",
    "InvalidEvent",
    "InvalidJob",
    "LeaseLost",
    "NewJob",
    "PermanentError",
    "Retry",
    "RowcrewError",
    "SettingsError",
    "Snooze",
    "Worker",
    "enqueue",
    "enqueue_async",
    "enqueue_many",
    "enqueue_many_async",
    "get",
    "get_async",
    "no_transaction",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
