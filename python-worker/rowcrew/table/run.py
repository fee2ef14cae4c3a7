"""What a run asks inside its handler's transaction: one function for each statement in `sql/run/`, same name.

In: the run's lease and JSON texts. Out: plain values. Each function yields a `Question`, because the handler
chooses between a sync and an async connection. Called by `rowcrew.runner.transaction`.
"""

from __future__ import annotations

from typing import NamedTuple

from rowcrew.model.status import Status
from rowcrew.table.question import Asking, Question
from rowcrew.table.statements import SQL


class LimitedSession(NamedTuple):
    """The server process of the session, and the limit that now holds for it."""

    server_process: int
    limit: str


class DependencyRow(NamedTuple):
    """A job that another waited for; `result` is JSON text. One that is gone has neither type nor status."""

    id: int
    type: str | None
    status: Status | None
    result: str | None
    error_message: str | None


class Completion(NamedTuple):
    """A completion that was written; `tells` when others wait for this job."""

    tells: bool


def limit_idle_transaction() -> Asking[LimitedSession]:
    """Let the server end this transaction when the handler hangs in it."""
    rows = yield Question(SQL["run/limit_idle_transaction"], {})
    return LimitedSession(*rows[0])


def complete(
    *, id: int, lease: str, result: str | None, progress: str | None, checkpoint: str | None
) -> Asking[Completion | None]:
    """Complete the job; None when the lease is lost, and then everything must be rolled back."""
    parameters = {"id": id, "lease": lease, "result": result, "progress": progress, "checkpoint": checkpoint}
    rows = yield Question(SQL["run/complete"], parameters)
    return Completion(*rows[0]) if rows else None


def dependencies(id: int) -> Asking[list[DependencyRow]]:
    """What the job waited for, in the order given."""
    rows = yield Question(SQL["run/dependencies"], {"id": id})
    return [DependencyRow(*row) for row in rows]
