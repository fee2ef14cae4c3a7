"""One operation of the API as data, so that the server and its OpenAPI document are made from the same thing.

In: a link, and what a request gave, checked by the operation's types. Out: an answer. Declared beside the
functions in this folder, mounted by `web/app.py`, described by `api/openapi.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

import msgspec

from rowcrew.table.link import Link
from rowcrew.table.web_users import WebRole
from rowcrew.web.login import User
from rowcrew.web.problems import Refused
from rowcrew.web.shared import Shared
from rowcrew.web.tags import content_tag

_LARGEST_ID: Final = 2**63 - 1


class Answer(NamedTuple):
    """A document, and what else the response says.

    Attributes:
        tag: what a later change may give as If-Match; changes whenever what may be changed has.
        tells: what the event of this change says beside who made it.
    """

    document: Any
    status: int = 200
    headers: Mapping[str, str] | None = None
    tag: str | None = None
    tells: Mapping[str, Any] | None = None


class Stream(NamedTuple):
    """An answer that goes on: server-sent events.

    Attributes:
        close: called when the answer has ended, also where it never began.
    """

    events: AsyncIterator[bytes]
    close: Callable[[], None]


class Given(NamedTuple):
    """What a request gave: `query` and `body` are of the operation's types, or None where it has none.

    Attributes:
        if_match: the tags that the row may have; None = any.
        last_event_id: the event after which a stream goes on.
    """

    shared: Shared
    user: User
    path: Mapping[str, str]
    query: Any
    body: Any
    idempotency_key: str | None = None
    traceparent: str | None = None
    if_match: frozenset[str] | None = None
    last_event_id: str | None = None

    @property
    def id(self) -> int:
        """The id in the path.

        Raises:
            Refused: none can have this id.
        """
        text = self.path["id"]
        if not text.isascii() or not text.isdigit() or len(text) > 19 or not 1 <= int(text) <= _LARGEST_ID:
            raise Refused(
                404, f"{text!r} is not an id: give a whole number from 1 to {_LARGEST_ID}", field="id"
            )
        return int(text)


class Operation(NamedTuple):
    """What may be asked under one method and path.

    Attributes:
        name: the operation's id for clients that are made from the document.
        summary: what it does, as a sentence.
        answer: the type of the answer's document.
        query, body: what may be given; None = nothing.
        status: of an answer that went well.
        problems: statuses of further answers, each a problem document.
        takes_key: whether an Idempotency-Key is heeded.
        has_tag: whether answers have an ETag, which a change heeds as If-Match.
        streams: whether it answers with events.
        role: who may do it; None = viewers may look, operators may change.
    """

    method: Literal["GET", "POST", "PATCH"]
    path: str
    name: str
    summary: str
    do: Callable[[Link, Given], Awaitable[Answer | Stream]]
    answer: Any
    query: type[Any] | None = None
    body: type[Any] | None = None
    status: int = 200
    problems: tuple[int, ...] = ()
    takes_key: bool = False
    has_tag: bool = False
    streams: bool = False
    role: WebRole | None = None

    @property
    def needs(self) -> WebRole:
        return self.role or ("viewer" if self.method == "GET" else "operator")

    @property
    def is_audited(self) -> bool:
        """Whether an event tells who did it. A job that is enqueued is its own record."""
        return self.method != "GET" and not self.takes_key


def tag_of(*values: Any) -> str:
    """An ETag of these values."""
    return content_tag(msgspec.json.encode(values))


def refuse_changed(given: Given, tag: str) -> None:
    """
    Raises:
        Refused: the row is not as the client has seen it.
    """
    if given.if_match is not None and tag not in given.if_match:
        raise Refused(412, "somebody has changed it since you saw it; look again", field="If-Match")
