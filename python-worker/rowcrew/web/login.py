"""Who somebody is: as a proxy, the session of a browser or the token of a program says; signing in and out.

In: requests. Out: a `User`, or None. While the database has no users, whoever reaches the loopback address is
everybody. Called by the guard, and by the routes for signing in and out.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple
from urllib.parse import quote

import psycopg
from starlette.datastructures import Headers
from starlette.types import Scope

from rowcrew.admin import web_users
from rowcrew.model.errors import RowcrewError
from rowcrew.model.password import hash_of
from rowcrew.model.throttle import Throttle
from rowcrew.table.link import Link
from rowcrew.table.web_users import WebRole
from rowcrew.web.links import Busy, Links
from rowcrew.web.problems import Refused
from rowcrew.web.proxy import Proxy

COOKIE: Final = "rowcrew_session"
REMEMBERED_SECONDS: Final = 15.0
"""How long after its end a session may still be taken for one that holds, and a first user be overlooked."""

_KEPT_SECONDS: Final = 3_600.0
"""How long a database that does not answer lets those stay in whom it has known before."""

_PATIENCE_SECONDS: Final = 1.0

_RANKS: Final[dict[WebRole, int]] = {"viewer": 0, "operator": 1, "admin": 2}
_MOST_REMEMBERED: Final = 1_000
_SIGNING_IN_AT_ONCE: Final = 2  # scrypt takes 32 MB and a core
_WAITING_TO_SIGN_IN: Final = 20


class User(NamedTuple):
    """Somebody who is known.

    Attributes:
        by_cookie: whether a browser has sent what proves it, of itself.
        by_proxy: whether a proxy has said so, which then ends it as well.
    """

    name: str
    role: WebRole
    reads_payloads: bool
    by_cookie: bool
    by_proxy: bool = False

    def may_act_as(self, role: WebRole) -> bool:
        return _RANKS[self.role] >= _RANKS[role]

    @property
    def sees_payloads(self) -> bool:
        return self.reads_payloads or self.may_act_as("operator")


LOCAL: Final = User("local", "admin", reads_payloads=True, by_cookie=False)
"""Whoever reaches the loopback address of a machine where there is no login."""

NOBODY: Final = User("", "viewer", reads_payloads=False, by_cookie=False)
"""Whom the guard has refused, or not asked: only refusals are shown to them."""

USER: Final = "rowcrew.user"
"""Where the scope of a request has who sends it."""


def user_of(scope: Scope) -> User:
    """Who sends a request that the guard has let in; one that it has not let in fails here."""
    user: User = scope[USER]
    return user


class _Remembered(NamedTuple):
    """Whose a secret or a name was when the database last said so, and when it was last asked."""

    user: User | None
    known_at: float
    asked_at: float


class Throttled(RowcrewError):
    """Too many have failed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__(f"too many failed attempts; try again in {self.seconds} s")


class Login:
    """The sessions and tokens of one database.

    Args:
        looking, changing: connections, each lent for one question.
        is_required: whether everybody has to sign in, even while there are no users.
        proxy: who else is believed about who somebody is; everybody then has to sign in.
    """

    def __init__(
        self, *, looking: Links, changing: Links, is_required: bool, proxy: Proxy | None = None
    ) -> None:
        self.proxy = proxy
        self._looking = looking
        self._changing = changing
        self._is_required = self._is_known = is_required or proxy is not None
        self._asked_at = float("-inf")
        self._throttle = Throttle()
        self._known: OrderedDict[bytes | str, _Remembered] = OrderedDict()
        self._turns = asyncio.Semaphore(_SIGNING_IN_AT_ONCE)
        self._waiting = 0

    @property
    def leaves_by(self) -> str | None:
        """Where a proxy ends what it knows of somebody; None = it has no such place, or there is none."""
        return self.proxy.sign_out if self.proxy else None

    async def is_required(self) -> bool:
        """Whether everybody has to sign in: as soon as there is a user, and then until this process ends.

        Raises:
            psycopg.Error: the database has never said.
        """
        now = time.monotonic()
        if not self._is_required and now - self._asked_at >= REMEMBERED_SECONDS:
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS if self._is_known else None):
                    async with self._looking.lent() as link:
                        self._is_required = await web_users.has_users(link)
                self._is_known = True
            except (psycopg.Error, Busy, TimeoutError):
                if not self._is_known:
                    raise
            self._asked_at = now
        return self._is_required

    async def user(self, scope: Scope, headers: Headers) -> User | None:
        """Who sends this; None = nobody that is known. Whom the proxy names nobody else can be.

        Raises:
            Refused: the proxy names somebody who may not come in.
            psycopg.Error: the database does not say.
        """
        name = self.proxy.named(scope, headers) if self.proxy else None
        if name is not None:
            return await self._named(name)
        secret, by_cookie = secret_of(headers)
        if not secret:
            return None
        user = await self._remembered(hash_of(secret), partial(_owner, secret=secret))
        return user if user is not None and user.by_cookie == by_cookie else None

    async def sign_in(self, name: str, password: str, *, address: str) -> str | None:
        """The secret of a new session; None when name or password is wrong.

        Raises:
            Throttled: this name from this address, or the address, has failed too often; or too many try.
        """
        wait = self._throttle.wait_seconds(address, name, time.monotonic())
        if wait or self._waiting >= _WAITING_TO_SIGN_IN:
            raise Throttled(wait or 2.0)
        self._throttle.tries(address, name, time.monotonic())
        self._waiting += 1
        try:
            async with self._turns, self._changing.lent() as link:
                secret = await web_users.sign_in(link, name, password)
        finally:
            self._waiting -= 1
        if secret is not None:
            self._throttle.passed(address, name)
        return secret

    async def sign_out(self, headers: Headers) -> None:
        secret, by_cookie = secret_of(headers)
        if secret and by_cookie:
            async with self._changing.lent() as link:
                await web_users.sign_out(link, secret)
            self._known.pop(hash_of(secret), None)

    async def _named(self, name: str) -> User:
        assert self.proxy is not None
        if not web_users.can_be_a_name(name):
            raise Refused(403, f"{self.proxy.header}: {name[:100]!r} cannot be the name of a user")
        user = await self._remembered(name, partial(_of_name, name=name))
        if user is not None:
            return user
        if self.proxy.role is None:
            raise Refused(
                403, f"{name} is no user here; `rowcrew web users add {name} --no-password` adds one"
            )
        return User(name, self.proxy.role, reads_payloads=False, by_cookie=True, by_proxy=True)

    async def _remembered(
        self, key: bytes | str, ask: Callable[[Link], Awaitable[User | None]]
    ) -> User | None:
        """What was known a moment ago, of a secret by its hash or of a name, else what the table says."""
        now = time.monotonic()
        remembered = self._known.get(key)
        if remembered is not None and now - remembered.asked_at < REMEMBERED_SECONDS:
            return remembered.user
        is_kept = remembered is not None and now - remembered.known_at < _KEPT_SECONDS
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS if is_kept else None):
                async with self._looking.lent() as link:
                    user = await ask(link)
        except (psycopg.Error, Busy, TimeoutError):
            if remembered is None or not is_kept:
                raise
            self._known[key] = remembered._replace(asked_at=now)
            return remembered.user
        self._known[key] = _Remembered(user, known_at=now, asked_at=now)
        while len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return user


async def _owner(link: Link, secret: str) -> User | None:
    owner = await web_users.owner(link, secret)
    if owner is None:
        return None
    return User(owner.name, owner.role, owner.reads_payloads, by_cookie=owner.kind == "session")


async def _of_name(link: Link, name: str) -> User | None:
    user = await web_users.find(link, name)
    if user is None:
        return None
    # The proxy knows a browser by its cookie, so another site can make one send this as well.
    return User(user.name, user.role, user.reads_payloads, by_cookie=True, by_proxy=True)


def secret_of(headers: Headers) -> tuple[str, bool]:
    """What the request shows, and whether as a cookie; a token goes before it."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip(), False
    return _cookie_of(headers), True


def _cookie_of(headers: Headers) -> str:
    """The first of this name: a browser sends that of the longest path first, then an outer one."""
    for part in headers.get("cookie", "").split(";"):
        name, _, secret = part.strip().partition("=")
        if name == COOKIE:
            return secret
    return ""


def cookie(secret: str, *, root: str, seconds: float = web_users.SESSION_SECONDS) -> str:
    """The cookie of a session: for our own pages, never for scripts, over TLS or on this machine.

    Args:
        root: the path that our pages lie below.
    """
    path = quote(root) or "/"
    return f"{COOKIE}={secret}; Path={path}; Max-Age={round(seconds)}; Secure; HttpOnly; SameSite=Strict"


def no_cookie(*, root: str) -> str:
    """What makes a browser forget the cookie."""
    return cookie("", root=root, seconds=0)


def safe_way(way: str) -> str:
    """Where to go after signing in: a path of ours, never another site."""
    is_ours = way.startswith("/") and not way.startswith(("//", "/\\")) and way.isprintable()
    return way if is_ours and "\\" not in way else "/"
