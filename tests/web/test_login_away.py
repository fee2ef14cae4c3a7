"""While the database of the users does not answer, those it knew lately stay in, and nobody else comes in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from starlette.datastructures import Headers

from rowcrew.admin import web_users
from rowcrew.table.web_users import SessionOwner
from rowcrew.web import login as module
from rowcrew.web.links import Busy
from rowcrew.web.login import Login

pytestmark = pytest.mark.anyio

ANN = SessionOwner(name="ann", role="operator", reads_payloads=True, kind="token")


class Away:
    """Links to a database that answers, refuses, or says nothing at all."""

    def __init__(self) -> None:
        self.how = "answers"

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Any]:
        if self.how == "is silent":
            await asyncio.Event().wait()
        if self.how == "refuses":
            raise psycopg.OperationalError("connection refused")
        if self.how == "is busy":
            raise Busy("every connection is busy")
        yield None


class Users:
    """Users of one database, and whose the token is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.links = Away()
        self.owner: SessionOwner | None = ANN
        self.now = 1_000.0
        monkeypatch.setattr(web_users, "owner", self._owner)
        monkeypatch.setattr(web_users, "has_users", self._has_users)
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.login = Login(looking=self.links, changing=self.links, is_required=False)  # type: ignore[arg-type]

    async def _owner(self, *_: Any) -> SessionOwner | None:
        return self.owner

    async def _has_users(self, *_: Any) -> bool:
        return True

    async def asks(self) -> str | None:
        await self.login.is_required()
        user = await self.login.user({}, Headers({"Authorization": "Bearer secret"}))
        return user and user.name


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> Users:
    return Users(monkeypatch)


@pytest.mark.parametrize("how", ["refuses", "is silent", "is busy"])
async def test_who_was_known_stays_in_for_an_hour_and_is_asked_for_when_it_answers(
    users: Users, how: str
) -> None:
    assert await users.asks() == "ann"
    users.links.how = how
    for moment in (1_016.0, 2_500.0, 4_500.0):
        users.now = moment
        assert await users.asks() == "ann"
    users.links.how = "refuses"
    users.now = 4_700.0
    with pytest.raises(psycopg.OperationalError):
        await users.asks()
    users.links.how, users.owner = "answers", None
    assert await users.asks() is None


async def test_a_token_that_was_revoked_meanwhile_is_refused_as_soon_as_it_answers(users: Users) -> None:
    assert await users.asks() == "ann"
    users.links.how, users.owner = "refuses", None
    users.now = 1_016.0
    assert await users.asks() == "ann"
    users.links.how, users.now = "answers", 1_032.0
    assert await users.asks() is None


@pytest.mark.parametrize("question", ["is_required", "user"])
async def test_a_database_that_has_never_answered_lets_nobody_in(users: Users, question: str) -> None:
    users.links.how = "refuses"
    with pytest.raises(psycopg.OperationalError):
        await (users.login.is_required() if question == "is_required" else users.asks())
