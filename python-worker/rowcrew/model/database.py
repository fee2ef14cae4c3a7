"""What a look at the server sees, tables, indexes, sessions, stand-bys, settings; and a judgement of it.

In: rows, as `table/looks.py` reads them. Out: values that `judged_tables` and `judged_server` judge. No input
or output.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from rowcrew.model.holder import Holder

Result = Literal["bad", "warning", "hidden", "ok"]

SETTINGS: Final = (
    "autovacuum",
    "autovacuum_max_workers",
    "autovacuum_naptime",
    "autovacuum_vacuum_cost_limit",
    "checkpoint_timeout",
    "deadlock_timeout",
    "default_transaction_isolation",
    "fsync",
    "full_page_writes",
    "idle_in_transaction_session_timeout",
    "maintenance_work_mem",
    "max_connections",
    "max_wal_size",
    "shared_buffers",
    "synchronous_commit",
    "track_counts",
    "wal_level",
    "work_mem",
)
"""The settings that a look names."""


class TableLook(msgspec.Struct, frozen=True, rename="camel"):
    """A table, and how vacuum keeps up with it.

    Attributes:
        row_bytes: the pages that hold its rows.
        table_bytes: with what is stored apart from them, without indexes.
        rows, dead_rows: as the server estimates them.
        vacuumed_from: so many dead rows, and autovacuum comes.
        is_vacuumed: whether the table lets autovacuum in.
        is_vacuuming: whether one is at it now.
    """

    table: str
    row_bytes: int
    table_bytes: int
    index_bytes: int
    rows: int
    dead_rows: int
    vacuumed_from: int
    is_vacuumed: bool
    is_vacuuming: bool
    vacuumed_at: datetime | None
    analyzed_at: datetime | None


class IndexLook(msgspec.Struct, frozen=True, rename="camel"):
    """An index.

    Attributes:
        entries: as the server estimates them.
        scans: how often it was used since the statistics were reset.
        is_valid: False after a build that was cut off: it costs, and serves nobody.
    """

    index: str
    table: str
    bytes: int
    entries: int
    scans: int
    is_valid: bool
    is_unique: bool


class ServerLook(msgspec.Struct, frozen=True, rename="camel"):
    """The server and this database.

    Attributes:
        max_connections: how many roles without privileges may have.
        own_connections: those of Rowcrew's programs.
        idle_in_transaction: sessions that have held a transaction open and done nothing for a minute.
        sees_sessions: whether this role sees what other roles' sessions do.
        wal_bytes: written since the statistics were reset.
        frozen_age: transactions since the oldest that still stands in a row unfrozen.
        freeze_from: the age from which autovacuum freezes, whatever else is said.
        vacuums: how many are at work.
    """

    version: str
    database: str
    up_seconds: float
    is_standby: bool
    bytes: int
    max_connections: int
    connections: int
    own_connections: int
    idle_in_transaction: int
    sees_sessions: bool
    wal_bytes: int
    frozen_age: int
    freeze_from: int
    is_vacuumed: bool
    vacuums: int
    max_vacuums: int


class ReceiverLook(msgspec.Struct, frozen=True, rename="camel"):
    """Who receives WAL, or makes the server keep it: a stand-by, or a replication slot.

    Attributes:
        lag_bytes: None where this role may not see it, and for a slot that keeps nothing.
    """

    kind: str
    name: str
    state: str
    lag_seconds: float | None
    lag_bytes: int | None


class SettingLook(msgspec.Struct, frozen=True, rename="camel"):
    """A setting as people write it; `is_set` = somebody has chosen it."""

    name: str
    value: str
    is_set: bool


class Looks(msgspec.Struct, frozen=True, rename="camel"):
    """What was seen.

    Attributes:
        wal_bytes_per_second: None until there were two looks.
    """

    server: ServerLook
    wal_bytes_per_second: float | None
    holders: list[Holder]
    tables: list[TableLook]
    indexes: list[IndexLook]
    receivers: list[ReceiverLook]
    settings: list[SettingLook]


class Judgement(msgspec.Struct, frozen=True, rename="camel"):
    """One thing about the database.

    Attributes:
        topic: for programs.
        result: `hidden` = this role does not see it.
        figure: the number that says most, as people say it.
        says: what is so, as a sentence.
        statement: what helps, as SQL; null where nothing is to be done.
    """

    topic: str
    result: Result
    figure: str
    says: str
    statement: str | None = None
