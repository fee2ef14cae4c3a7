"""The errors Rowcrew raises, one base class, one finished sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class RowcrewError(Exception):
    """Base of every error that Rowcrew raises on purpose."""


class SettingsError(RowcrewError):
    """Settings that cannot be used. `complaints` has one line for each: variable, value, remedy."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = tuple(complaints)


class InvalidJob(RowcrewError, ValueError):
    """A job that must not be enqueued; `field` names the part to mend, `problem` says how."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class CrewError(RowcrewError):
    """A crew that cannot be loaded or a handler that cannot be registered."""


class SchemaMismatch(RowcrewError):
    """The database's schema and this version of Rowcrew do not fit each other."""


class DatabaseUnavailable(RowcrewError):
    """No connection to the database could be had in the time allowed. The text never holds a password."""


class LaunchGivenUp(RowcrewError):
    """A worker that was launched, and whose place is no longer kept for it."""


class LeaseLost(RowcrewError):
    """The job is no longer this run's: it was cancelled, changed by hand or rescued. Nothing was written."""


class JobFailed(RowcrewError):
    """A job that was waited for has failed.

    Attributes:
        job_id, type: of the job.
        message: its "errorMessage": `ValueError: no such month`.
        attempt: the attempt that was its last.
    """

    def __init__(self, job_id: int, type: str, message: str, attempt: int) -> None:
        super().__init__(f"job {job_id} ({type}) failed in attempt {attempt}: {message}")
        self.job_id = job_id
        self.type = type
        self.message = message
        self.attempt = attempt

    def __reduce__(self) -> tuple[Any, ...]:  # exceptions are pickled by their text, which is not enough
        return type(self), (self.job_id, self.type, self.message, self.attempt)


class JobCancelled(RowcrewError):
    """A job that was waited for has been cancelled; `message` says why, if somebody gave a reason."""

    def __init__(self, job_id: int, type: str, message: str) -> None:
        super().__init__(f"job {job_id} ({type}) was cancelled: {message}")
        self.job_id = job_id
        self.type = type
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.job_id, self.type, self.message)


class JobGone(RowcrewError):
    """A job that was waited for has no row: it was deleted, or the transaction that enqueued it is open."""


class ResultGone(RowcrewError):
    """A job has completed, and its result was kept for its time and is empty now (JOB_RESULT_TTL)."""


class NotEnded(RowcrewError, TimeoutError):
    """A job had not ended when the time was over for which it was waited. It goes on."""


class InvalidEvent(RowcrewError, ValueError):
    """An event that must not be written; `field` names the part to mend, `problem` says how."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
