"""One operation of the API as data, so that the server and its OpenAPI document are made from the same thing.

In: a link, and what a request gave, checked by the operation's types. Out: an answer. Declared beside the
functions in this folder, mounted by `web/app.py`, described by `api/openapi.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, NamedTuple

from rowcrew.table.link import Link
from rowcrew.web.problems import Refused

_LARGEST_ID = 2**63 - 1


class Answer(NamedTuple):
    """A document, and what else the response says."""

    document: Any
    status: int = 200
    headers: Mapping[str, str] | None = None


class Given(NamedTuple):
    """What a request gave: `query` and `body` are of the operation's types, or None where it has none."""

    path: Mapping[str, str]
    query: Any
    body: Any
    idempotency_key: str | None = None

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
    """

    method: Literal["GET", "POST"]
    path: str
    name: str
    summary: str
    do: Callable[[Link, Given], Awaitable[Answer]]
    answer: Any
    query: type[Any] | None = None
    body: type[Any] | None = None
    status: int = 200
    problems: tuple[int, ...] = ()
    takes_key: bool = False
