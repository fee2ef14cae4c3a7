"""The type `investor_processing`: who the investors of an announcement are, and who wants to hear of it.

In: the payload of a job. Out: how many were known and how many are new, what changed since the last deal of
each in the same company, and how many were told. A second run finds all of it done.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import psycopg

from rowcrew.bundled.announcements.names import ALIKE, Kind, normalised, some_of, trigrams
from rowcrew.bundled.announcements.payload import InvestorProcessing
from rowcrew.bundled.announcements.processed import NamedInvestor
from rowcrew.bundled.announcements.statements import SQL
from rowcrew.bundled.announcements.target import target
from rowcrew.context import Context, PermanentError
from rowcrew.crew import Crew

Connection = psycopg.Connection[Any]
crew = Crew()


class Change(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What differs from an investor's last deal in the company: shares, percent, or both."""

    investor_id: int
    name: str
    company: str
    shares: int | None = None
    percent: Decimal | None = None


class InvestorsResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The result: how many investors were known, how many are new, what changed, how many were told."""

    linked: int
    created: int
    changes: list[Change]
    notifications: int


class Announcement(NamedTuple):
    """The announcement whose investors these are; `company` tells deals of one company from another's."""

    security_id: str
    company_name: str
    headline: str
    category: str
    company: str
    announced_at: datetime


@crew.job("investor_processing", queue="investor_processing", executor="thread")
def investor_processing(payload: InvestorProcessing, context: Context) -> InvestorsResult:
    """Link the investors of an announcement to those known, and tell those who watch."""
    with target(context) as connection:
        return _Linking(payload, connection, context).run()


class _Linking:
    """One run: the announcement, its investors one after the other, then those who watch."""

    def __init__(self, payload: InvestorProcessing, connection: Connection, context: Context) -> None:
        self._payload = payload
        self._connection = connection
        self._context = context

    def run(self) -> InvestorsResult:
        announcement = self._announcement()
        named = list(_named(self._payload))
        if named:
            self._connection.execute(SQL["lock_investors"])
        ids: list[int] = []
        changes: list[Change] = []
        created = 0
        for number, (kind, investor) in enumerate(named, start=1):
            id, is_new = self._linked(kind, investor.name)
            created += is_new
            if id not in ids:
                ids.append(id)
                changes += self._changes(announcement, id, investor)
            self._context.progress(number, len(named), f"Investor {number} of {len(named)}")
        told = self._connection.execute(
            SQL["notify"],
            {
                "corp_id": self._payload.corp_id,
                "message": f"{announcement.company_name}: {announcement.headline}"[:1_000],
                "security_id": announcement.security_id,
                "category": announcement.category,
                "investor_ids": ids,
            },
        )
        return InvestorsResult(
            linked=len(named) - created, created=created, changes=changes, notifications=told.rowcount
        )

    def _announcement(self) -> Announcement:
        row = self._connection.execute(SQL["announcement"], {"corp_id": self._payload.corp_id}).fetchone()
        if row is None:
            raise PermanentError(
                f"payload.corpId {self._payload.corp_id!r} is not in the table announcements; "
                "supabase_upload keeps it"
            )
        return Announcement(*row)

    def _linked(self, kind: Kind, name: str) -> tuple[int, bool]:
        """The investor of this name, and whether it was unknown."""
        alias = normalised(name, kind)
        known = self._first("known_alias", kind=kind, alias=alias)
        id = known or self._alike(kind, alias)
        is_new = id is None
        if id is None:
            id = self._first("add_investor", kind=kind, name=name)
            assert id is not None
        if known is None:
            parameters = {"kind": kind, "alias": alias, "investor_id": id, "trigrams": trigrams(alias)}
            self._connection.execute(SQL["add_alias"], parameters)
        parameters = {"corp_id": self._payload.corp_id, "kind": kind, "name": name, "investor_id": id}
        self._connection.execute(SQL["link_investor"], parameters)
        return id, is_new

    def _alike(self, kind: Kind, alias: str) -> int | None:
        given = trigrams(alias)
        return self._first(
            "like_aliases", kind=kind, trigrams=given, some=some_of(given), threshold=Decimal(ALIKE)
        )

    def _first(self, statement: str, **parameters: Any) -> int | None:
        row = self._connection.execute(SQL[statement], parameters).fetchone()
        return None if row is None else row[0]

    def _changes(self, announcement: Announcement, id: int, investor: NamedInvestor) -> Iterator[Change]:
        """What is new since the last deal; nothing if there was none, or if this one is known already."""
        parameters = {
            "corp_id": self._payload.corp_id,
            "investor_id": id,
            "company": announcement.company,
            "action": investor.action,
            "shares": investor.shares,
            "percent": investor.percent,
            "announced_at": announcement.announced_at,
        }
        before = self._connection.execute(SQL["add_deal"], parameters).fetchone()
        if before is None:
            return
        shares_before, percent_before = before
        percent = None if investor.percent is None else Decimal(investor.percent)
        shares_by = _difference(investor.shares, shares_before)
        percent_by = _difference(percent, percent_before)
        if shares_by is not None or percent_by is not None:
            yield Change(
                investor_id=id,
                name=investor.name,
                company=announcement.company,
                shares=shares_by,
                percent=percent_by,
            )


def _named(payload: InvestorProcessing) -> Iterator[tuple[Kind, NamedInvestor]]:
    for investor in payload.individual_investors:
        yield "individual", investor
    for investor in payload.company_investors:
        yield "company", investor


def _difference(now: Any, before: Any) -> Any:
    return None if now is None or before is None else now - before
