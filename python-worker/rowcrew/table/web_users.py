"""Who may use the web: a function for each statement in `sql/web_users/`, by its name.

In: a link, names, hashes. Out: rows with names; no secret goes in or out. Called by `rowcrew.admin`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from rowcrew.table.link import Link
from rowcrew.table.rows import Row
from rowcrew.table.statements import SQL

WebRole = Literal["viewer", "operator", "admin"]
SessionKind = Literal["session", "token"]

_SECONDS: Final = 5.0


class WebUser(Row, frozen=True):
    """A user in a list; `sessions` and `tokens` are those that hold."""

    name: str
    role: WebRole
    reads_payloads: bool
    sessions: int
    tokens: int
    created_at: datetime


class KnownUser(Row, frozen=True):
    """A user, and what scrypt has made of the password."""

    name: str
    role: WebRole
    reads_payloads: bool
    password: str


class SessionOwner(Row, frozen=True):
    """Whose a session or token is."""

    name: str
    role: WebRole
    reads_payloads: bool
    kind: SessionKind


async def add_user(link: Link, name: str, *, role: WebRole, reads_payloads: bool, password: str) -> bool:
    """Whether the name was free."""
    return bool(await _fetch(link, "add_user", _user(name, role, reads_payloads, password)))


async def replace_user(link: Link, name: str, *, role: WebRole, reads_payloads: bool, password: str) -> bool:
    """Whether there is such a user."""
    return bool(await _fetch(link, "replace_user", _user(name, role, reads_payloads, password)))


async def list_users(link: Link) -> list[WebUser]:
    return [WebUser(*row) for row in await _fetch(link, "list_users", {})]


async def remove_user(link: Link, name: str) -> bool:
    """Whether there was such a user."""
    return bool(await _fetch(link, "remove_user", {"name": name}))


async def find_user(link: Link, name: str) -> KnownUser | None:
    rows = await _fetch(link, "find_user", {"name": name})
    return KnownUser(*rows[0]) if rows else None


async def has_users(link: Link) -> bool:
    ((has,),) = await _fetch(link, "has_users", {})
    return bool(has)


async def open_session(
    link: Link, *, hash: bytes, user: str, kind: SessionKind, seconds: float | None
) -> bool:
    """Whether there is such a user; `seconds` None = it never ends."""
    parameters = {"hash": hash, "user": user, "kind": kind, "seconds": seconds}
    return bool(await _fetch(link, "open_session", parameters))


async def find_session(link: Link, hash: bytes) -> SessionOwner | None:
    rows = await _fetch(link, "find_session", {"hash": hash})
    return SessionOwner(*rows[0]) if rows else None


async def close_session(link: Link, hash: bytes) -> None:
    await _fetch(link, "close_session", {"hash": hash})


async def close_sessions(link: Link, user: str) -> int:
    """How many there were."""
    return len(await _fetch(link, "close_sessions", {"user": user}))


def _user(name: str, role: WebRole, reads_payloads: bool, password: str) -> dict[str, Any]:
    return {"name": name, "role": role, "readsPayloads": reads_payloads, "password": password}


async def _fetch(link: Link, statement: str, parameters: dict[str, Any]) -> Sequence[Any]:
    return await link.fetch(SQL[f"web_users/{statement}"], parameters, _SECONDS)
