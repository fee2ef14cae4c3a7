"""A database with cloud accounts, a server that knows what they cost, and one short way to collect."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rig.cost_explorer import CloudBill, cost_explorer
from rig.databases import new_database
from rig.waiting import eventually
from rowcrew.bundled import crew
from rowcrew.bundled.costs import cost_explorer as asking
from rowcrew.bundled.costs.admin import WayIn, add_account
from rowcrew.bundled.costs.cost_explorer import Patience
from rowcrew.bundled.costs.credentials import Credentials
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.testing import HandlerRun, run_handler

KEY = "07" * 32
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
DAY = date(2026, 10, 31)
HISTORY_BEGINS = DAY - timedelta(days=30)


class Site:
    """Cloud accounts in a database, and their bill."""

    def __init__(self, url: str, connection: psycopg.Connection[tuple[Any, ...]], bill: CloudBill) -> None:
        self.url = url
        self.connection = connection
        self.bill = bill

    def add(self, id: str = "prod", *, key: str | None = None, secret: str = SECRET, **way: Any) -> str:
        """An account with a key that opens it on the bill too."""
        key = key or "AKIA" + id.replace("-", "_").upper()
        self.bill.let_in(id, key, SECRET)
        add_account(self.connection, id, WayIn(credentials=Credentials(key, secret), **way))
        return id

    def add_role(self, id: str, arn: str, external_id: str | None = None) -> None:
        add_account(self.connection, id, WayIn(role_arn=arn, external_id=external_id))

    def has_cost(self, account: str, service: str, amount: str, *days: date, **more: Any) -> None:
        for day in days:
            self.bill.set(account, day, service, amount, **more)

    def collect(self, day: date | None = DAY, **payload: Any) -> HandlerRun:
        checkpoint, attempt = payload.pop("checkpoint", None), payload.pop("attempt", 1)
        given = payload if day is None else {"date": day.isoformat(), **payload}
        return run_handler(
            crew,
            "cost_collection",
            given,
            database_url=self.url,
            checkpoint=checkpoint,
            attempt=attempt,
        )

    def costs(self, columns: str = '"accountId", day::text, service, amount::text') -> list[tuple[Any, ...]]:
        return self.rows(f'SELECT {columns} FROM costs ORDER BY "accountId", day, service')

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement.encode(), parameters or None).fetchall()


def days_before(day: date, count: int = 30) -> list[date]:
    return [day - timedelta(days=number) for number in range(1, count + 1)]


def utc_yesterday() -> date:
    """Yesterday, until the test has ended: near midnight the new day is waited for."""
    soon = timedelta(seconds=45)
    eventually(lambda: (datetime.now(UTC) + soon).date() == datetime.now(UTC).date(), 60)
    return datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture(scope="module")
def costs_database(server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    with new_database(server, "costs", template=migrated_template) as name:
        yield server.url_of(name)


@pytest.fixture
def bill() -> Iterator[CloudBill]:
    with cost_explorer() as bill:
        yield bill


@pytest.fixture
def site(costs_database: str, bill: CloudBill, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("ENCRYPTION_KEY", KEY)
    monkeypatch.setenv("AWS_ENDPOINT_URL_COST_EXPLORER", bill.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", bill.url)
    monkeypatch.setattr(asking, "PATIENCE", Patience(attempts=3, first_seconds=0.001, longest_seconds=0.01))
    with psycopg.connect(costs_database, autocommit=True) as connection:
        connection.execute('TRUNCATE costs, "costAnomalies", "cloudAccounts", events')
        yield Site(costs_database, connection, bill)
