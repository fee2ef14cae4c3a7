"""`rowcrew dev --job FILE.json`: one job, without queue, worker or row.

In: a file with the job, and crews. Out: its result on standard output, all else on standard error, and an
exit code. Called by `dev`.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from rowcrew.cli import FAILURE, SUCCESS
from rowcrew.cli.options import read_settings
from rowcrew.cli.output import print_document
from rowcrew.cli.worker import crews
from rowcrew.crew import Crew
from rowcrew.model.errors import RowcrewError
from rowcrew.model.new_job import the_payload
from rowcrew.model.outcome import Completed, Errored
from rowcrew.runner.loading import loaded
from rowcrew.testing import HandlerRun, run_handler


class JobFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A job in a file.

    Attributes:
        parameters: another name of `payload`.
        priority: taken, as a file for the HTTP API has it; nothing here waits.
    """

    type: str
    payload: dict[str, Any] = {}
    parameters: dict[str, Any] | None = None
    priority: int | str | None = None


def run_one(file: Path, named: tuple[str, ...]) -> int:
    """Run the job of this file once.

    Raises:
        RowcrewError: the file holds no job, or the crew cannot be loaded or has no such type.
    """
    job, settings = _read(file), read_settings()
    crew = loaded(crews(named, settings))
    if not isinstance(crew, Crew):
        raise RowcrewError(crew)
    payload = job.payload if job.parameters is None else the_payload(job.payload, job.parameters)
    ran = run_handler(crew, job.type, payload, database_url=settings.database_url)
    _tell(ran)
    if not isinstance(ran.outcome, Completed):
        return FAILURE
    print_document(ran.result)
    return SUCCESS


def _read(file: Path) -> JobFile:
    try:
        return msgspec.json.decode(file.read_bytes(), type=JobFile)
    except (OSError, msgspec.DecodeError, UnicodeError) as error:
        raise RowcrewError(f"{file} holds no job: {error}") from error


def _tell(ran: HandlerRun) -> None:
    for progress in ran.progress:
        _say(f"progress {msgspec.json.encode(progress).decode()}")
    for type, number in Counter(child.type for child in ran.children).items():
        _say(f"would enqueue {type} × {number}")
    match ran.outcome:
        case Completed():
            _say("completed")
        case Errored(error=error, traceback=traceback):
            _say(f"failed: {error}\n{traceback or ''}".rstrip())
        case other:
            _say(f"did not complete: {other}")


def _say(text: str) -> None:
    print(f"rowcrew dev: {text}", file=sys.stderr, flush=True)
