"""The errors Rowcrew raises, one base class, one finished sentence each."""

from __future__ import annotations

from collections.abc import Sequence


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


class LeaseLost(RowcrewError):
    """The job is no longer this run's: it was cancelled, changed by hand or rescued. Nothing was written."""


class InvalidEvent(RowcrewError, ValueError):
    """An event that must not be written; `field` names the part to mend, `problem` says how."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
