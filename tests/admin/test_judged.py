"""What is told of a database: each topic well, ill, and hidden, with the statement that helps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from rowcrew.admin import judged_server, judged_tables
from rowcrew.model.database import IndexLook, Judgement, ReceiverLook, ServerLook, SettingLook, TableLook
from rowcrew.model.holder import Holder
from rowcrew.model.size import size
from rowcrew.table import advice

MEBIBYTE = 2**20
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = TableLook("jobs", 0, 0, 0, 1_000, 0, 20_000, True, False, NOW, NOW)
INDEX = IndexLook("jobs_ready", "jobs", 0, 0, 0, True, False)
SERVER = ServerLook(
    "17.2", "app", 60.0, False, 0, 100, 20, 10, 0, True, 0, 1_000_000, 200_000_000, True, 0, 3
)
HOLDER = Holder("session", 7, "report", "tableau", "idle in transaction", NOW, 900.0, 12_000)


def table(**other: Any) -> TableLook:
    return msgspec.structs.replace(TABLE, **other)


def server(**other: Any) -> ServerLook:
    return msgspec.structs.replace(SERVER, **other)


def told(one: Judgement) -> tuple[str, str | None]:
    return one.result, one.statement


def test_an_old_snapshot_is_told_with_its_holder_and_how_to_end_it() -> None:
    one = judged_tables.snapshot(SERVER, [HOLDER])
    assert told(one) == ("warning", "SELECT pg_terminate_backend(7);")
    assert "'tableau' (pid 7) of the role report" in one.says
    assert told(judged_tables.snapshot(SERVER, [HOLDER._replace(seconds=2.0)])) == ("ok", None)


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("prepared transaction", "ROLLBACK PREPARED 'it''s';"),
        ("replication slot", "SELECT pg_drop_replication_slot('it''s');"),
        ("stand-by", None),
    ],
)
def test_whatever_holds_it_is_ended_its_own_way(kind: str, statement: str | None) -> None:
    held = HOLDER._replace(kind=kind, name="it's", seconds=None, transactions=200_000)
    assert told(judged_tables.snapshot(SERVER, [held])) == ("warning", statement)


def test_who_may_not_see_sessions_is_told_so_and_not_that_all_is_well() -> None:
    """ankane/pghero#14"""
    assert told(judged_tables.snapshot(SERVER, [])) == ("ok", None)
    blind = server(sees_sessions=False)
    assert told(judged_tables.snapshot(blind, [])) == ("hidden", advice.GRANT)
    assert told(judged_server.standbys(blind, [ReceiverLook("stand-by", "a", "hidden", None, None)])) == (
        "hidden",
        advice.GRANT,
    )


def test_dead_rows_are_judged_by_what_autovacuum_waits_for() -> None:
    """ankane/pghero#227"""
    assert judged_tables.dead_rows([table(dead_rows=60_000)]).result == "ok"
    many = table(dead_rows=60_001)
    assert told(judged_tables.dead_rows([many])) == ("warning", "VACUUM (ANALYZE) jobs;")
    small = table(table="batchFiles", dead_rows=200, vacuumed_from=50)
    assert told(judged_tables.dead_rows([TABLE, small])) == ("warning", 'VACUUM (ANALYZE) "batchFiles";')
    assert judged_tables.dead_rows([table(dead_rows=90_000, is_vacuuming=True)]).result == "ok"


def test_a_table_of_empty_pages_is_told_although_it_has_no_dead_rows() -> None:
    """akvo/akvo-lumen#2763"""
    empty = table(rows=3_622, row_bytes=126_719 * 8_192)
    one = judged_tables.dead_rows([empty])
    assert told(one) == ("warning", "VACUUM (FULL, ANALYZE) jobs;")
    assert "990 MiB for 3,622 rows" in one.says
    assert judged_tables.dead_rows([table(rows=1_000_000, row_bytes=990 * MEBIBYTE)]).result == "ok"


def test_autovacuum_that_is_off_is_bad_for_the_server_and_for_one_table() -> None:
    assert judged_tables.autovacuum(server(is_vacuumed=False), [TABLE]).result == "bad"
    closed = table(is_vacuumed=False)
    assert told(judged_tables.autovacuum(SERVER, [closed])) == (
        "bad",
        "ALTER TABLE jobs RESET (autovacuum_enabled);",
    )


def test_vacuums_that_are_all_busy_elsewhere_are_told() -> None:
    assert judged_tables.autovacuum(server(vacuums=3), [TABLE]).result == "warning"
    assert judged_tables.autovacuum(server(vacuums=3), [table(is_vacuuming=True)]).result == "ok"


def test_an_invalid_index_and_a_bloated_one_are_built_anew() -> None:
    """reportportal/reportportal#2016"""
    again = "REINDEX INDEX CONCURRENTLY jobs_ready;"
    invalid = msgspec.structs.replace(INDEX, is_valid=False)
    bloated = msgspec.structs.replace(INDEX, bytes=300 * MEBIBYTE, entries=1_000)
    full = msgspec.structs.replace(INDEX, bytes=300 * MEBIBYTE, entries=5_000_000)
    assert told(judged_tables.indexes([invalid])) == ("bad", again)
    assert told(judged_tables.indexes([full, bloated])) == ("warning", again)
    assert told(judged_tables.indexes([INDEX, full])) == ("ok", None)
    assert told(judged_tables.indexes([bloated, invalid])) == ("bad", again)


@pytest.mark.parametrize("ending", ["_ccnew", "_ccnew1", "_ccold"])
def test_what_a_reindex_has_left_is_dropped_and_not_built(ending: str) -> None:
    """Built anew it would be a second index beside the one it was made for."""
    left = msgspec.structs.replace(INDEX, index=f"jobs_ready{ending}", is_valid=False)
    assert told(judged_tables.indexes([left])) == ("bad", f"DROP INDEX CONCURRENTLY jobs_ready{ending};")


@pytest.mark.parametrize(("number", "result"), [(79, "ok"), (80, "warning"), (95, "bad")])
def test_connections_are_judged_against_their_limit(number: int, result: str) -> None:
    assert judged_server.connections(server(connections=number)).result == result


def test_sessions_that_idle_in_a_transaction_are_told() -> None:
    one = judged_server.connections(server(idle_in_transaction=1))
    assert one.result == "warning"
    assert "1 session kept a transaction open" in one.says


def test_wal_is_told_by_the_second_as_soon_as_there_were_two_looks() -> None:
    assert judged_server.wal(None).figure == "not yet"
    assert told(judged_server.wal(2 * MEBIBYTE)) == ("ok", None)
    assert judged_server.wal(64 * MEBIBYTE).result == "warning"


def test_a_stand_by_that_is_late_and_a_slot_that_nobody_reads_are_told() -> None:
    late = ReceiverLook("stand-by", "replica", "streaming", 45.0, 10)
    assert judged_server.standbys(SERVER, []).figure == "none"
    assert judged_server.standbys(SERVER, [late]).result == "warning"
    assert judged_server.standbys(SERVER, [msgspec.structs.replace(late, lag_seconds=None)]).result == "ok"
    slot = ReceiverLook("slot", "left", "not in use", None, 2 * 2**30)
    assert told(judged_server.standbys(SERVER, [late, slot])) == (
        "bad",
        "SELECT pg_drop_replication_slot('left');",
    )
    assert judged_server.standbys(SERVER, [msgspec.structs.replace(slot, state="in use")]).result == "ok"


@pytest.mark.parametrize(("age", "result"), [(1_000, "ok"), (400_000_000, "warning"), (2**30, "bad")])
def test_transaction_ids_are_judged_before_they_run_out(age: int, result: str) -> None:
    assert judged_server.transaction_ids(server(frozen_age=age)).result == result


def test_settings_that_endanger_what_is_committed_are_told_together() -> None:
    off = [SettingLook(name, "off", True) for name in ("fsync", "full_page_writes", "jit")]
    one = judged_server.settings(off)
    assert one.result == "bad"
    assert one.statement == (
        "ALTER SYSTEM SET fsync = on;\nALTER SYSTEM SET full_page_writes = on;\nSELECT pg_reload_conf();"
    )
    assert judged_server.settings(off[2:]).result == "ok"


@pytest.mark.parametrize(
    ("bytes", "words"), [(0, "0 kiB"), (8192, "8.0 kiB"), (164 * 2**20, "164 MiB"), (3.1 * 2**30, "3.1 GiB")]
)
def test_bytes_are_told_in_the_largest_unit_they_fill(bytes: float, words: str) -> None:
    assert size(bytes) == words
