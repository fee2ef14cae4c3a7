"""What is well with the tables and what is not: snapshots, dead rows, autovacuum, indexes; and what helps.

In: looks at the server, and who holds vacuum up. Out: judgements. Pure; called by `admin/database.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rowcrew.model.counting import counted
from rowcrew.model.database import IndexLook, Judgement, ServerLook, TableLook
from rowcrew.model.duration import duration
from rowcrew.model.holder import OLD_SECONDS, OLD_TRANSACTIONS, Holder
from rowcrew.model.size import size
from rowcrew.table import advice

# So many times what autovacuum comes for: it has come, or was kept from it.
_MUCH_DEAD: Final = 3
_LARGE: Final = 64 * 2**20
_PAGES_BYTES: Final = 4 * 8192
"""A row with as many bytes of pages around it stands in a table that is mostly empty."""

_ENTRY_BYTES: Final = 400
"""An entry with its share of half-empty pages; no key of ours is as long."""

# Built anew, such an index would be a second one beside that which the REINDEX was of.
_OF_A_REINDEX: Final = re.compile(r"_cc(?:new|old)\d*$")


def snapshot(server: ServerLook, holders: Sequence[Holder]) -> Judgement:
    """Who holds the oldest snapshot; `holders` has whoever holds most first."""
    if not holders and server.sees_sessions:
        return Judgement("snapshot", "ok", "none", "Vacuum can remove every dead row.")
    if not holders:
        says = "No transaction of this role holds vacuum up; other roles' sessions are hidden from it."
        return Judgement("snapshot", "hidden", "not seen", says, advice.GRANT)
    oldest = holders[0]
    seconds, says = oldest.seconds, f"Held by {oldest.words}."
    figure = counted(oldest.transactions, "transaction") if seconds is None else duration(seconds)
    if (seconds or 0.0) < OLD_SECONDS and oldest.transactions < OLD_TRANSACTIONS:
        return Judgement("snapshot", "ok", figure, says)
    says += " No row that died since can be removed, and workers read past all of them."
    return Judgement("snapshot", "warning", figure, says, _end(oldest))


def _end(holder: Holder) -> str | None:
    """The statement that ends who holds the snapshot."""
    match holder.kind:
        case "session" if holder.pid is not None:
            return advice.end_session(holder.pid)
        case "prepared transaction":
            return advice.roll_back(holder.name)
        case "replication slot":
            return advice.drop_slot(holder.name)
    return None


def dead_rows(tables: Sequence[TableLook]) -> Judgement:
    dead = f"{sum(one.dead_rows for one in tables):,}"
    worst = max(tables, key=lambda one: one.dead_rows / max(1, one.vacuumed_from), default=None)
    if worst is None or worst.dead_rows <= _MUCH_DEAD * worst.vacuumed_from:
        return _empty_pages(dead, tables)
    says = (
        f"{worst.table} has {worst.dead_rows:,} dead rows beside {worst.rows:,} live ones;"
        f" autovacuum comes from {worst.vacuumed_from:,}."
    )
    if worst.is_vacuuming:
        return Judgement("dead-rows", "ok", dead, f"{says} A vacuum is at work there.")
    return Judgement("dead-rows", "warning", dead, says, advice.vacuum(worst.table))


def _empty_pages(dead: str, tables: Sequence[TableLook]) -> Judgement:
    """What vacuum leaves: it removes dead rows, and the pages stay."""
    for one in tables:
        if one.rows and one.row_bytes > max(_LARGE, _PAGES_BYTES * one.rows):
            says = (
                f"{one.table} takes {size(one.row_bytes)} for {one.rows:,} rows: mostly empty pages."
                " While it is written anew, nobody reads or writes it."
            )
            return Judgement("dead-rows", "warning", dead, says, advice.write_anew(one.table))
    return Judgement("dead-rows", "ok", dead, "Vacuum keeps up with them.")


def autovacuum(server: ServerLook, tables: Sequence[TableLook]) -> Judgement:
    if not server.is_vacuumed:
        says = "Nobody removes dead rows: autovacuum or track_counts is off."
        return Judgement("autovacuum", "bad", "off", says, advice.switch_on(["autovacuum", "track_counts"]))
    if closed := [one.table for one in tables if not one.is_vacuumed]:
        says = f"It is switched off for {', '.join(closed)}."
        return Judgement("autovacuum", "bad", "off", says, advice.let_vacuum(closed))
    figure = f"{server.vacuums} of {server.max_vacuums}"
    if at_work := [one.table for one in tables if one.is_vacuuming]:
        return Judgement("autovacuum", "ok", figure, f"Vacuum is at work on {', '.join(at_work)}.")
    if server.vacuums < server.max_vacuums:
        return Judgement("autovacuum", "ok", figure, "It is on, and has nothing to do here.")
    says = "All that may be at work are, with other tables."
    return Judgement("autovacuum", "warning", figure, says, advice.VACUUMS)


def indexes(found: Sequence[IndexLook]) -> Judgement:
    whole = size(sum(one.bytes for one in found))
    for one in found:
        if not one.is_valid:
            says = f"{one.index} is invalid: each write pays for it, and no question uses it."
            if _OF_A_REINDEX.search(one.index):
                says += " A REINDEX has left it, or is at work on it."
                return Judgement("indexes", "bad", whole, says, advice.drop_index(one.index))
            return Judgement("indexes", "bad", whole, says, advice.build_again(one.index))
    for one in found:
        if one.bytes > max(_LARGE, _ENTRY_BYTES * one.entries):
            says = f"{one.index} takes {size(one.bytes)} for {one.entries:,} entries: mostly empty pages."
            return Judgement("indexes", "warning", whole, says, advice.build_again(one.index))
    return Judgement("indexes", "ok", whole, "All are valid, and none is much larger than its entries.")
