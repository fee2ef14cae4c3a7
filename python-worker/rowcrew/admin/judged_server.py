"""What is well with the server and what is not: connections, WAL, stand-bys, transaction ids, settings.

In: looks at the server. Out: judgements, each with the statement that helps. Pure; called by
`admin/database.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rowcrew.model.counting import counted
from rowcrew.model.database import Judgement, ReceiverLook, Result, ServerLook, SettingLook
from rowcrew.model.duration import duration
from rowcrew.model.size import size
from rowcrew.table import advice

_MANY_CONNECTIONS: Final = 0.8
_ALL_CONNECTIONS: Final = 0.95
_MUCH_WAL: Final = 32 * 2**20
_LATE_SECONDS: Final = 30.0
_KEPT_BYTES: Final = 2**30
_OLD_AGE: Final = 2**30
"""Half of the transaction ids that there are."""

_DANGEROUS: Final = {
    "fsync": "a crash of the machine can destroy the database",
    "full_page_writes": "a crash of the machine can destroy pages",
}


def connections(server: ServerLook) -> Judgement:
    share = server.connections / max(1, server.max_connections)
    figure = f"{server.connections} of {server.max_connections}"
    says = f"{server.own_connections} of them {_are(server.own_connections)} Rowcrew's; a worker holds five."
    idle = server.idle_in_transaction
    if idle:
        says += f" {counted(idle, 'session')} kept a transaction open for a minute and did nothing."
    if share >= _MANY_CONNECTIONS:
        says += " When none is free, workers and producers are turned away."
        result: Result = "bad" if share >= _ALL_CONNECTIONS else "warning"
        return Judgement("connections", result, figure, says, advice.SESSIONS)
    return Judgement(
        "connections", "warning" if idle else "ok", figure, says, advice.SESSIONS if idle else None
    )


def wal(per_second: float | None) -> Judgement:
    if per_second is None:
        return Judgement("wal", "ok", "not yet", "It takes two looks to tell how much is written.")
    figure = f"{size(per_second)}/s"
    if per_second < _MUCH_WAL:
        return Judgement("wal", "ok", figure, "Written by the whole server, the queue among others.")
    says = "That is much: look for large payloads and results, or a loop that saves its progress each time."
    return Judgement("wal", "warning", figure, says, advice.PAYLOADS)


def standbys(server: ServerLook, receivers: Sequence[ReceiverLook]) -> Judgement:
    """How far those behind are that follow, and which slots keep WAL that nobody reads."""
    for one in receivers:
        kept = one.lag_bytes or 0
        if one.kind == "slot" and one.state == "not in use" and kept >= _KEPT_BYTES:
            says = f"Nobody reads the slot {one.name}, and the server keeps all since: its disk fills up."
            return Judgement("stand-bys", "bad", size(kept), says, advice.drop_slot(one.name))
    following = [one for one in receivers if one.kind == "stand-by"]
    if not following:
        return Judgement("stand-bys", "ok", "none", "No stand-by follows this server.")
    if not server.sees_sessions:
        says = "How far stand-bys are behind is hidden from this role."
        return Judgement("stand-bys", "hidden", str(len(following)), says, advice.GRANT)
    worst = max(following, key=lambda one: one.lag_seconds or 0.0)
    behind = worst.lag_seconds or 0.0
    says = f"{worst.name} is {duration(behind)} behind, of {counted(len(following), 'stand-by')}."
    is_late = behind >= _LATE_SECONDS
    result: Result = "warning" if is_late else "ok"
    return Judgement("stand-bys", result, duration(behind), says, advice.STANDBYS if is_late else None)


def transaction_ids(server: ServerLook) -> Judgement:
    figure = f"{server.frozen_age / 1e6:,.0f} M" if server.frozen_age >= 500_000 else "young"
    if server.frozen_age >= _OLD_AGE:
        says = "At 2,147 M the server takes no more writes: something keeps vacuum from freezing rows."
        return Judgement("transaction-ids", "bad", figure, says, advice.FREEZE)
    if server.frozen_age >= 2 * server.freeze_from:
        says = f"Autovacuum freezes rows from {server.freeze_from / 1e6:,.0f} M on, and does not get there."
        return Judgement("transaction-ids", "warning", figure, says, advice.FREEZE)
    return Judgement("transaction-ids", "ok", figure, "Old rows are frozen in time.")


def settings(found: Sequence[SettingLook]) -> Judgement:
    """Only those that endanger what was committed."""
    off = [one.name for one in found if one.value == "off" and one.name in _DANGEROUS]
    if not off:
        return Judgement("settings", "ok", "safe", "What is committed outlives a crash of the machine.")
    says = f"Off {_are(len(off))} {' and '.join(off)}: {_DANGEROUS[off[0]]}."
    return Judgement("settings", "bad", "off", says, advice.switch_on(off))


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
