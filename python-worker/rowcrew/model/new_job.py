"""A job to enqueue, valid from its first moment.

In: what a producer, a handler or the HTTP API wants to run. Out: a frozen `NewJob`, or an `InvalidJob` that
names the field, and the JSON document that the statements of `table` take. It refuses what
PostgreSQL would refuse, and what PostgreSQL would take but no reader could read back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, get_args

import msgspec

from rowcrew.model.errors import InvalidJob
from rowcrew.model.json_values import not_finite, path_of, plain_values
from rowcrew.model.priority import priority_value

PAYLOAD_BYTES: Final = 1_000_000
PAYLOAD_DEPTH: Final = 100
DOCUMENT_BYTES: Final = 64_000_000

MOST_WAITED_FOR: Final = 100_000

WaitPolicy = Literal["completed", "failFast", "ended"]
"""What must have become of the jobs that one waits for, before it runs."""
WAIT_POLICIES: Final[tuple[str, ...]] = get_args(WaitPolicy)

_QUEUE_NAME: Final = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,62}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_LONGEST_DELAY: Final = timedelta(days=36_500)


class NewJob(msgspec.Struct, frozen=True):
    """One job to enqueue. None means the default of the column, or what the type's handler says.

    Attributes:
        type: which handler runs it, 1 to 200 characters.
        payload: the handler's input: a mapping, Struct, dataclass or pydantic model that becomes a JSON
            object of at most 1 MB, 100 levels deep. Kept as plain JSON values.
        queue: the line it waits in, 1 to 63 of a-z 0-9 _ . -
        priority: -32768 to 32767, larger runs first, or urgent, high, normal, low. Kept as a number.
        run_at: not before this moment (an aware datetime from 2000 to 2200), or this long after now (a
            timedelta).
        max_attempts: runs allowed, 1 to 1000.
        timeout_seconds: hard limit of one run, whole seconds.
        unique_key: at most one queued or processing job of this type has it, 1 to 255 characters.
        concurrency_key: a word that jobs share, 1 to 255 characters; limits per key hold for all of them.
        parent_id: the job that enqueued this one.
        after: ids of jobs, or what `enqueue` answered for them: it runs when all of these have ended. At most
            100,000, each enqueued before this one.
        when: what must have become of them. `"completed"` (the default): all completed; else it ends as
            failed or cancelled when the last has ended, and one of them may be requeued until then.
            `"failFast"`: all completed; else it fails with the first. `"ended"`: whatever became of them.
        traceparent: the trace it belongs to, as W3C Trace Context writes it; None = that of the span that is
            current when it is enqueued, if the program uses OpenTelemetry.

    Raises:
        InvalidJob: names the field and what to give instead.
    """

    type: str
    payload: Any = msgspec.field(default_factory=dict)
    queue: str | None = None
    priority: int | str | None = None
    run_at: datetime | timedelta | None = None
    max_attempts: int | None = None
    timeout_seconds: int | None = None
    unique_key: str | None = None
    concurrency_key: str | None = None
    parent_id: int | None = None
    after: Sequence[Any] | None = None
    when: WaitPolicy | None = None
    traceparent: str | None = None

    def __post_init__(self) -> None:
        _check_text("type", self.type, 200)
        if self.queue is not None:
            _check_queue(self.queue)
        if self.priority is not None:
            msgspec.structs.force_setattr(self, "priority", priority_value(self.priority))
        if self.run_at is not None:
            _check_run_at(self.run_at)
        if self.max_attempts is not None:
            _check_number("max_attempts", self.max_attempts, 1, 1000)
        if self.timeout_seconds is not None:
            _check_number("timeout_seconds", self.timeout_seconds, 1, 2**31 - 1)
        for key in ("unique_key", "concurrency_key", "traceparent"):
            if (word := getattr(self, key)) is not None:
                _check_text(key, word, 255)
        if self.parent_id is not None:
            _check_number("parent_id", self.parent_id, -(2**63), 2**63 - 1)
        if self.after is not None or self.when is not None:
            msgspec.structs.force_setattr(self, "after", _ids(self.after, self.when))
        msgspec.structs.force_setattr(self, "payload", _json_object(self.payload))


def the_payload(payload: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """What a job is given where both names are taken.

    Raises:
        InvalidJob: both say something.
    """
    if payload:
        raise InvalidJob("parameters", "is another name of payload: give one of them")
    return parameters


def document(jobs: Iterable[NewJob], queue: str | None = None) -> str:
    """The jobs as the JSON array that `producer.enqueue` takes, with an object for each job.

    `queue` is for jobs that name none, nor does their type; None = the column's default.

    Raises:
        InvalidJob: together they are larger than one statement should be.
    """
    text = msgspec.json.encode([_row(job, queue) for job in jobs])
    if len(text) > DOCUMENT_BYTES:
        raise InvalidJob("jobs", f"{len(text)} bytes are more than {DOCUMENT_BYTES}: enqueue them in parts")
    return text.decode()


def _row(job: NewJob, queue: str | None) -> dict[str, Any]:
    return {
        "type": job.type,
        "payload": job.payload,
        "queue": job.queue,
        "usualQueue": queue,
        "priority": job.priority,
        "runAt": job.run_at if isinstance(job.run_at, datetime) else None,
        "delaySeconds": job.run_at.total_seconds() if isinstance(job.run_at, timedelta) else None,
        "maxAttempts": job.max_attempts,
        "timeoutSeconds": job.timeout_seconds,
        "uniqueKey": job.unique_key,
        "concurrencyKey": job.concurrency_key,
        "parentId": job.parent_id,
        "waitsFor": job.after,
        "waitPolicy": job.when,
        "traceparent": job.traceparent,
    }


def _ids(after: Any, when: Any) -> tuple[int, ...]:
    """Ids of jobs to wait for, each once: numbers, or answers that have one as their `id`."""
    if when is not None and when not in WAIT_POLICIES:
        raise InvalidJob("when", f"{_shown(when)} must be one of {', '.join(WAIT_POLICIES)}")
    if after is None:
        raise InvalidJob("after", f"must say what to wait for, when={when!r} being given")
    if isinstance(after, str | bytes) or not isinstance(after, Iterable):
        raise InvalidJob("after", f"{_shown(after)} must be a list of ids, or of answers of enqueue")
    ids: dict[Any, None] = dict.fromkeys(getattr(job, "id", job) for job in after)
    for id in ids:
        _check_number("after", id, 1, 2**63 - 1)
    if len(ids) > MOST_WAITED_FOR:
        raise InvalidJob(
            "after", f"{len(ids):,} jobs are more than {MOST_WAITED_FOR:,}: wait for jobs that wait for them"
        )
    return tuple(ids)


def _check_text(field: str, value: Any, longest: int) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise InvalidJob(field, f"{_shown(value)} must be text of 1 to {longest} characters")
    if problem := _unstorable(value):
        raise InvalidJob(field, problem)


def _check_queue(value: Any) -> None:
    if not isinstance(value, str) or not _QUEUE_NAME.fullmatch(value):
        raise InvalidJob(
            "queue", f"{_shown(value)} must be 1 to 63 of a-z 0-9 _ . - and start with a letter, a digit or _"
        )


def _check_number(field: str, value: Any, smallest: int, largest: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not smallest <= value <= largest:
        raise InvalidJob(field, f"{_shown(value)} must be a whole number from {smallest} to {largest}")


def _check_run_at(value: Any) -> None:
    if isinstance(value, timedelta):
        if not timedelta(0) <= value <= _LONGEST_DELAY:
            raise InvalidJob("run_at", f"{value} must be from 0 to {_LONGEST_DELAY.days} days")
        return
    if not isinstance(value, datetime):
        raise InvalidJob("run_at", f"{_shown(value)} must be a datetime with a time zone, or a timedelta")
    if value.utcoffset() is None:
        raise InvalidJob("run_at", f"{value.isoformat()} has no time zone: give one, such as timezone.utc")
    if not _EARLIEST <= value <= _LATEST:
        raise InvalidJob("run_at", f"{value.isoformat()} must be in the years 2000 to 2200")


def _json_object(payload: Any) -> dict[str, Any]:
    """The payload as plain JSON values, a copy that nobody can change from outside."""
    try:
        value = plain_values(payload)
    except RecursionError:
        raise InvalidJob("payload", f"is nested deeper than {PAYLOAD_DEPTH} levels") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidJob("payload", f"is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidJob("payload", f"must be a JSON object, such as {{'key': …}}, and not {_shown(payload)}")
    _check_values(value)
    try:
        text = msgspec.json.encode(value)
    except (ValueError, OverflowError) as error:
        raise InvalidJob("payload", f"is not JSON: {error}") from error
    if len(text) > PAYLOAD_BYTES:
        raise InvalidJob("payload", f"{len(text)} bytes are more than {PAYLOAD_BYTES}: enqueue a reference")
    plain: dict[str, Any] = msgspec.json.decode(text)
    return plain


def _check_values(payload: dict[str, Any]) -> None:
    """Check that every value can be stored and read back. A `place` is (place of the parent, key)."""
    left: list[tuple[Any, int, Any]] = [(payload, 1, None)]
    while left:
        value, depth, place = left.pop()
        if depth > PAYLOAD_DEPTH:
            raise InvalidJob("payload", f"is nested deeper than {PAYLOAD_DEPTH} levels")
        if isinstance(value, dict):
            for key, item in value.items():
                if problem := _unstorable(key):
                    raise InvalidJob(path_of("payload", place), f"key {key!r} {problem}")
                left.append((item, depth + 1, (place, f".{key}")))
        elif isinstance(value, list | tuple | set | frozenset):
            left.extend((item, depth + 1, (place, f"[{index}]")) for index, item in enumerate(value))
        elif problem := _unstorable(value):
            raise InvalidJob(path_of("payload", place), problem)


def _unstorable(value: Any) -> str | None:
    if problem := not_finite(value):
        return problem
    if isinstance(value, str) and "\0" in value:
        return "has a NUL character, which PostgreSQL cannot store"
    if isinstance(value, str) and not value.isascii() and _SURROGATE.search(value):
        return "has half of a surrogate pair, which is no character"
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
