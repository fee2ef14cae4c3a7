"""The database over HTTP: how it is, judged; what the doctor says of it; what people did."""

from __future__ import annotations

from typing import Final

import msgspec

from rowcrew.admin.check import Result
from rowcrew.model.database import IndexLook, Judgement, ReceiverLook, ServerLook, SettingLook, TableLook
from rowcrew.table.link import Link
from rowcrew.table.looks import Act
from rowcrew.web.api.operation import Answer, Given, Operation
from rowcrew.web.problems import Refused


class HolderDocument(msgspec.Struct, frozen=True, rename="camel"):
    """Who keeps vacuum from removing dead rows, as a sentence; what holds most comes first."""

    kind: str
    words: str
    seconds: float | None
    transactions: int


class CheckDocument(msgspec.Struct, frozen=True):
    """A line of the doctor."""

    name: str
    result: Result
    what: str
    remedies: list[str]


class DatabaseDocument(msgspec.Struct, frozen=True, rename="camel"):
    """How the database is, as somebody saw it for all who ask.

    Attributes:
        age_seconds: how old this is; looks are twenty seconds apart.
        problem: why it is not younger; null = it is as young as it should be.
        judgements: what needs a person first.
        checks: null until the doctor has looked.
    """

    age_seconds: float
    problem: str | None
    judgements: list[Judgement]
    server: ServerLook
    wal_bytes_per_second: float | None
    holders: list[HolderDocument]
    tables: list[TableLook]
    indexes: list[IndexLook]
    receivers: list[ReceiverLook]
    settings: list[SettingLook]
    checks: list[CheckDocument] | None
    acts: list[Act]


async def show(_: Link, given: Given) -> Answer:
    sampler = given.shared.sampler
    await sampler.look_at_database()
    part, checks = sampler.database, sampler.checks.value
    if part.value is None:
        raise Refused(503, part.problem or "the first look has not ended; ask again in a moment")
    seen = part.value.seen
    return Answer(
        DatabaseDocument(
            age_seconds=part.age_seconds or 0.0,
            problem=part.problem,
            judgements=part.value.judgements,
            server=seen.server,
            wal_bytes_per_second=seen.wal_bytes_per_second,
            holders=[
                HolderDocument(one.kind, one.words, one.seconds, one.transactions) for one in seen.holders
            ],
            tables=seen.tables,
            indexes=seen.indexes,
            receivers=seen.receivers,
            settings=seen.settings,
            checks=None
            if checks is None
            else [
                CheckDocument(one.name, one.result, one.what, [remedy.kind for remedy in one.remedies])
                for one in checks
            ],
            acts=part.value.acts,
        )
    )


OPERATIONS: Final = (
    Operation(
        "GET",
        "/database",
        "showDatabase",
        "Show how the database is: what hurts queues, judged, and the statement that helps.",
        show,
        DatabaseDocument,
    ),
)
