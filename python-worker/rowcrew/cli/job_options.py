"""The options of a job as they are typed at a terminal.

In: what `rowcrew enqueue` was given. Out: fields of `NewJob`, or the complaint by the option's name.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from cyclopts import Parameter

from rowcrew.cli import UsageError
from rowcrew.model.errors import InvalidJob
from rowcrew.model.new_job import NewJob, WaitPolicy
from rowcrew.settings import readers

_PARTS: Final = re.compile(r"\d+(?:\.\d+)?[smhd]")
_OPTIONS: Final = {"type": "TYPE", "run_at": "--run-at or --in", "timeout_seconds": "--timeout"}


@Parameter(name="*")
@dataclass(frozen=True)
class JobOptions:
    """What a job may be given beside its payload; None = as its type says."""

    queue: Annotated[str | None, Parameter(help="The line it waits in.")] = None
    priority: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="urgent, high, normal, low or a whole number; larger runs first.",
        ),
    ] = None
    run_at: Annotated[
        datetime | None,
        Parameter(help="Not before this moment, with a time zone: 2030-01-31T09:00:00+00:00."),
    ] = None
    delay: Annotated[
        str | None,
        Parameter(
            name="--in", allow_leading_hyphen=True, help="Not before this time from now: 90s, 10m, 2h."
        ),
    ] = None
    max_attempts: Annotated[int | None, Parameter(help="Runs allowed.")] = None
    timeout: Annotated[
        str | None, Parameter(allow_leading_hyphen=True, help="Limit of one run: 90, 90s, 5m, 2h.")
    ] = None
    unique_key: Annotated[
        str | None,
        Parameter(help="At most one live job of the type has it; if there is one, its id is the answer."),
    ] = None
    after: Annotated[
        list[int] | None, Parameter(help="Id of a job that must have ended before; repeatable.")
    ] = None
    when: Annotated[
        WaitPolicy | None,
        Parameter(help="What must have become of those jobs; failFast: completed, or fail with the first."),
    ] = None
    concurrency_key: Annotated[str | None, Parameter(help="A word that jobs share, for limits per key.")] = (
        None
    )

    def new_job(self, type: str, payload: Any) -> NewJob:
        """The job.

        Raises:
            UsageError: names the option that cannot be.
        """
        timeout = seconds("--timeout", self.timeout)
        try:
            return NewJob(
                type,
                payload,
                queue=self.queue,
                priority=self._priority(),
                run_at=self._run_at(),
                max_attempts=self.max_attempts,
                timeout_seconds=None if timeout is None else math.ceil(timeout),
                unique_key=self.unique_key,
                concurrency_key=self.concurrency_key,
                after=self.after,
                when=self.when,
            )
        except InvalidJob as error:
            option = _OPTIONS.get(error.field, f"--{error.field.replace('_', '-')}")
            raise UsageError(f"{option}: {error.problem}") from error

    def _priority(self) -> int | str | None:
        text = self.priority
        return int(text) if text and text.lstrip("-").isdecimal() else text

    def _run_at(self) -> datetime | timedelta | None:
        if self.run_at is not None and self.delay is not None:
            raise UsageError("--run-at and --in exclude each other; give one of them")
        if self.run_at is not None and self.run_at.utcoffset() is None:
            raise UsageError(
                f"--run-at {self.run_at.isoformat()} has no time zone; append one, such as +00:00"
            )
        delay = seconds("--in", self.delay)
        return self.run_at if delay is None else timedelta(seconds=delay)


NO_OPTIONS: Final = JobOptions()


def seconds(option: str, text: str | None) -> float | None:
    """A length of time as settings take it, and beyond that 0 and sums such as 1h30m.

    Raises:
        UsageError: it is none.
    """
    parts = _PARTS.findall(text) if text and re.fullmatch(f"(?:{_PARTS.pattern})+", text) else [text]
    try:
        return None if text is None else sum(map(readers.grace, parts))
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}") from error
