"""Events: what happened, as it is written, and the messages that tell of it.

In: facts of the worker, and what handlers emit. Out: the JSON that `producer.emit` takes, a frozen `NewEvent`
or an `InvalidEvent` that names the field; the body of a message, and how long a failed one waits. Called by
contexts, by the organs that see something happen, and by the chore that tells of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

import msgspec

from rowcrew.model.cleaning import clean_json
from rowcrew.model.errors import InvalidEvent
from rowcrew.model.json_values import json_text

JOB_FAILED: Final = "job.failed"
QUEUE_DEPTH_HIGH: Final = "queue.depth.high"
SCHEDULE_MISSED: Final = "schedule.missed"
SERVER_WENT_BACK: Final = "server.went_back"
WORKER_LOST: Final = "worker.lost"
OWN_KINDS: Final = frozenset({JOB_FAILED, QUEUE_DEPTH_HIGH, SCHEDULE_MISSED, SERVER_WENT_BACK, WORKER_LOST})
"""The kinds that Rowcrew tells of by itself; families and users add their own."""

DETAIL_BYTES: Final = 10_000
FIRST_BACKOFF_SECONDS: Final = 10.0
LONGEST_BACKOFF_SECONDS: Final = 3600.0
_MOST_DOUBLINGS: Final = 16
_KIND: Final = re.compile(r"[a-z0-9_.]{1,100}")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")

Via = Literal["webhook", "log", "command"]


class NewEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened, to be written.

    Attributes:
        kind: what, such as `invoice.overdue`: 1 to 100 of a-z 0-9 _ and dots.
        subject: whom it is about, at most 200 characters. Repeats of a kind and subject become one message.
        queue, type: those of the job it is about; receivers choose by them.
        count: how often it happened.
        detail: what else a receiver may want to know, a mapping with at most 10 kB of JSON.

    Raises:
        InvalidEvent: names the field and what to give instead.
    """

    kind: str
    subject: str = ""
    queue: str = ""
    type: str = ""
    count: int = 1
    detail: Any = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self.kind, self.subject, self.count)
        msgspec.structs.force_setattr(self, "detail", _detail(self.detail))


def refuse_own(kind: str) -> None:
    """
    Raises:
        InvalidEvent: it is a kind that Rowcrew tells of by itself.
    """
    if kind in OWN_KINDS:
        raise InvalidEvent("kind", f"{kind!r} is for Rowcrew to tell: choose a kind of your own")


def events_document(events: Iterable[NewEvent]) -> str:
    """The events as the JSON array that `producer.emit` takes."""
    return msgspec.json.encode(list(events)).decode()


class Receiver(NamedTuple):
    """Whom to tell: `target` is the URL of a webhook, or the name of a command in EVENT_COMMANDS."""

    name: str
    via: Via
    target: str | None
    timeout_seconds: int
    max_attempts: int


class Message(msgspec.Struct, frozen=True):
    """What one receiver is told: `count` events of a kind and subject. It says the same at every attempt.

    Attributes:
        id: of the first event; a receiver that knows it has been told.
        detail: JSON text, from the last of the events.
        first_at, last_at: when the first and the last of them were written, as in JSON.
        at: the time of this attempt by the database's clock, in whole seconds since 1970.
    """

    id: int
    kind: str
    subject: str
    queue: str
    type: str
    count: int
    detail: str
    first_at: str
    last_at: str
    attempts: int
    at: int

    @property
    def body(self) -> bytes:
        """The message as receivers get it: a JSON object without the attempts."""
        document = {
            "id": self.id,
            "kind": self.kind,
            "subject": self.subject,
            "queue": self.queue,
            "type": self.type,
            "count": self.count,
            "firstAt": self.first_at,
            "lastAt": self.last_at,
            "detail": msgspec.Raw(self.detail.encode()),
        }
        return msgspec.json.encode(document)


def backoff_seconds(attempts: int, chance: float) -> float:
    """How long a message waits that was told in vain so often: doubling, an hour at most.

    Args:
        attempts: at least 1.
        chance: 0 to 1, spreads those that failed together.
    """
    doubled = FIRST_BACKOFF_SECONDS * 2.0 ** min(attempts - 1, _MOST_DOUBLINGS)
    return min(doubled, LONGEST_BACKOFF_SECONDS) * (0.75 + chance / 2)


def _check(kind: Any, subject: Any, count: Any) -> None:
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise InvalidEvent("kind", f"{kind!r} must be 1 to 100 of a-z 0-9 _ and dots")
    if not isinstance(subject, str) or len(subject) > 200 or _UNSTORABLE.search(subject):
        raise InvalidEvent("subject", "must be text of at most 200 characters that PostgreSQL can store")
    if not isinstance(count, int) or isinstance(count, bool) or not 0 < count < 2**31:
        raise InvalidEvent("count", f"{count!r} must be a whole number from 1 to {2**31 - 1}")


def _detail(detail: Any) -> Mapping[str, Any]:
    try:
        text = clean_json(json_text(detail, "detail"))
    except Exception as error:  # the value's own methods may raise anything
        raise InvalidEvent("detail", f"cannot be stored as JSON: {error}") from error
    if not text.startswith(b"{"):
        raise InvalidEvent("detail", "must be a mapping, such as {'invoiceId': 7}")
    if len(text) > DETAIL_BYTES:
        raise InvalidEvent("detail", f"{len(text):,} bytes of JSON are more than {DETAIL_BYTES:,}")
    plain: dict[str, Any] = msgspec.json.decode(text)
    return plain
