"""What goes wrong, as a document that a program reads and a person understands: RFC 9457.

In: what a handler or the database raised. Out: `application/problem+json` with the status, and the name of
the field where one is wrong. Called by the application for every error of the API.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec
import psycopg
from starlette.responses import Response

from rowcrew.admin.link import problem
from rowcrew.admin.schedules import NoSuchSchedule
from rowcrew.model.calendar import BadRule
from rowcrew.model.errors import InvalidJob, RowcrewError
from rowcrew.web.links import Busy, TooMany

MEDIA_TYPE: Final = "application/problem+json"

_AGAIN_SECONDS: Final = {"Retry-After": "2"}

_COLUMNS: Final = {
    "max_attempts": "maxAttempts",
    "timeout_seconds": "timeoutSeconds",
    "run_at": "runAt",
    "unique_key": "uniqueKey",
    "concurrency_key": "concurrencyKey",
    "parent_id": "parentId",
    "after": "waitsFor",
    "when": "waitPolicy",
}
"""How HTTP bodies call the fields of a `NewJob`."""


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error as the API answers it.

    Attributes:
        title: the name of the status.
        detail: what is wrong and what to do, as a sentence.
        field: which part of the request is wrong.
    """

    title: str
    status: int
    detail: str
    field: str | None = None


class Refused(RowcrewError):
    """A request that gets no answer, for a reason of its own."""

    def __init__(self, status: int, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.field = field


def problem_response(
    status: int, detail: str, *, field: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    document = ProblemDocument(HTTPStatus(status).phrase, status, detail, field)
    return Response(msgspec.json.encode(document), status, headers, MEDIA_TYPE)


def answer_to(error: Exception, address: str) -> Response:
    """The answer to what a handler raised; `address` is the database's, never shown with its password."""
    match error:
        case Refused():
            return problem_response(error.status, str(error), field=error.field)
        case InvalidJob():
            field = _COLUMNS.get(error.field, error.field)
            return problem_response(422, f"{field}: {error.problem}", field=field)
        case NoSuchSchedule():
            return problem_response(404, str(error), field="name")
        case BadRule():
            return problem_response(422, str(error), field="cron")
        case TooMany():
            return problem_response(429, str(error), headers=_AGAIN_SECONDS)
        case Busy():
            return problem_response(503, str(error), headers=_AGAIN_SECONDS)
        case psycopg.errors.QueryCanceled():
            return problem_response(503, _LATE, headers=_AGAIN_SECONDS)
        case psycopg.Error():
            return _of_database(error, address)
    return problem_response(409, str(error))


def answer_to_stranger(error: Exception) -> Response:
    """The answer to whoever has not signed in, which does not say where the database is."""
    if isinstance(error, psycopg.OperationalError):
        return problem_response(503, _AWAY, headers=_AGAIN_SECONDS)
    return answer_to(error, "")


_AWAY: Final = "the database does not answer; `rowcrew doctor` tells why"
_LATE: Final = "the database did not answer in time; narrow what you ask for, or ask again in a moment"


UNMIGRATED: Final = "run `rowcrew migrate` on this database"
"""Stands in what is told where the tables are missing, or those of another version."""


def _of_database(error: psycopg.Error, address: str) -> Response:
    kind, what = problem(error, address)
    match kind:
        case "schema":
            return problem_response(503, f"{what}; {UNMIGRATED}, or see `rowcrew doctor`")
        case "unreachable":
            return problem_response(503, f"{what}; `rowcrew doctor` tells more", headers=_AGAIN_SECONDS)
    return problem_response(
        422 if isinstance(error, psycopg.IntegrityError | psycopg.DataError) else 500, what
    )
