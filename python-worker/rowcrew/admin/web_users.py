"""Who may use the web: added, listed, removed, given tokens; and who somebody is that shows a secret.

In: a link, names, passwords, secrets. Out: rows, and secrets that are told once. Called by the command line
and by the web.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from rowcrew.model.errors import RowcrewError
from rowcrew.model.password import LONGEST, NOBODYS, SHORTEST, hash_of, is_right, kept, new_secret
from rowcrew.table import web_users as table
from rowcrew.table.link import Link
from rowcrew.table.web_users import KnownUser, SessionOwner, WebRole, WebUser

SESSION_SECONDS: Final = 12 * 3600.0

_NAME: Final = re.compile(r"[a-z0-9_.@-]{1,100}")


async def add(
    link: Link, name: str, *, role: WebRole, reads_payloads: bool, password: str | None, replace: bool
) -> None:
    """Enter a user, or give one another role and password, which ends all sessions and tokens.

    Args:
        password: None = nobody knows it; a proxy says who this is.

    Raises:
        RowcrewError: the name or the password cannot be, the name is taken, or nobody has it.
    """
    if not can_be_a_name(name):
        raise RowcrewError(f"{name!r} cannot be a name: give 1 to 100 of a-z 0-9 _ . @ -")
    if password is None:
        password = new_secret()
    if not SHORTEST <= len(password) <= LONGEST:
        raise RowcrewError(f"the password has {len(password)} characters: give {SHORTEST} to {LONGEST}")
    change = table.replace_user if replace else table.add_user
    done = await change(
        link, name, role=role, reads_payloads=reads_payloads, password=await asyncio.to_thread(kept, password)
    )
    if not done and replace:
        raise RowcrewError(f"there is no user {name}; leave --replace out to add one")
    if not done:
        raise RowcrewError(f"there is a user {name} already; --replace gives another role and password")


def can_be_a_name(name: str) -> bool:
    """Whether a user can have this name."""
    return bool(_NAME.fullmatch(name))


async def list_all(link: Link) -> list[WebUser]:
    return await table.list_users(link)


async def remove(link: Link, name: str) -> None:
    """Delete a user with all sessions and tokens.

    Raises:
        RowcrewError: there is none.
    """
    if not await table.remove_user(link, name):
        raise _nobody(name)


async def new_token(link: Link, name: str, *, seconds: float | None) -> str:
    """A secret for programs of this user, which holds so long; None = until it is revoked.

    Raises:
        RowcrewError: there is no such user.
    """
    return await _open(link, name, kind="token", seconds=seconds)


async def revoke(link: Link, name: str) -> int:
    """End all sessions and tokens of a user; how many there were.

    Raises:
        RowcrewError: there is no such user.
    """
    if await table.find_user(link, name) is None:
        raise _nobody(name)
    return await table.close_sessions(link, name)


async def has_users(link: Link) -> bool:
    """Whether there is a login."""
    return await table.has_users(link)


async def sign_in(link: Link, name: str, password: str) -> str | None:
    """The secret of a new session; None when name or password is wrong, after the same time."""
    user = await table.find_user(link, name)
    stored = NOBODYS if user is None else user.password
    right = await asyncio.to_thread(is_right, password, stored)
    if user is None or not right:
        return None
    return await _open(link, name, kind="session", seconds=SESSION_SECONDS)


async def find(link: Link, name: str) -> KnownUser | None:
    """The user of this name; None = nobody has it."""
    return await table.find_user(link, name)


async def owner(link: Link, secret: str) -> SessionOwner | None:
    """Who shows this secret; None = nobody."""
    return await table.find_session(link, hash_of(secret))


async def sign_out(link: Link, secret: str) -> None:
    await table.close_session(link, hash_of(secret))


async def _open(link: Link, name: str, *, kind: table.SessionKind, seconds: float | None) -> str:
    secret = new_secret()
    if not await table.open_session(link, hash=hash_of(secret), user=name, kind=kind, seconds=seconds):
        raise _nobody(name)
    return secret


def _nobody(name: str) -> RowcrewError:
    return RowcrewError(f"there is no user {name}; `rowcrew web users list` shows all")
