"""The doctor's comparison of the tables with what the migrations make.

In: a link to a database at our revision. Out: one `Check` for each part that is missing or different, and for
what else no statement of ours gets past. Called by `database_checks`.
"""

from __future__ import annotations

from typing import NamedTuple

import psycopg

from rowcrew.admin.check import Check, check
from rowcrew.model.remedy import Remedy
from rowcrew.model.shape import Part, differences, obstacles
from rowcrew.table import operator
from rowcrew.table.link import Link
from rowcrew.table.rows import Meddler
from rowcrew.table.shape import dropping_rule, expected, giving_default, names, queue_revision, triggers


class Drift(NamedTuple):
    """What a comparison says; `is_whole` = every table and column is there for the checks that follow."""

    checks: list[Check]
    is_whole: bool


async def drift(link: Link) -> Drift:
    """How the tables differ from what the migrations make."""
    ours = queue_revision()
    versions = await _versions(link)
    wanted = expected({ours, *versions})
    found = await operator.parts(link, **names(wanted))
    differing = differences(wanted, found)
    checks = [_difference(one.what) for one in differing]
    if ours not in versions:
        checks.append(_difference("the table rowcrew_migrations no longer says what was migrated"))
    checks += map(_obstacle, obstacles(wanted, found))
    meddlers = await operator.meddlers(link, relations=names(wanted)["relations"], triggers=triggers(wanted))
    checks += map(_meddler, meddlers)
    gone = {one.kind for one in differing if one.found is None}
    return Drift(checks, is_whole=gone.isdisjoint({"table", "view", "column"}))


async def _versions(link: Link) -> list[str]:
    """The migrations of the queue and of those families that can be compared."""
    try:
        return await operator.versions(link)
    except psycopg.errors.UndefinedTable:
        return []
    except psycopg.errors.InsufficientPrivilege:
        # Which families must be there is not for this role to know; the queue tells everybody its revision.
        return [queue_revision()]


def _difference(what: str) -> Check:
    return check("schema", "failed", what, Remedy("repair"))


def _obstacle(part: Part) -> Check:
    what = f"{part.place} is required and has no default, and no INSERT of Rowcrew names it"
    return check("schema", "warning", what, f"as its owner: {giving_default(part)}")


def _meddler(one: Meddler) -> Check:
    """No catalogue says whether a trigger leaves rows out, and a try would do whatever else it does."""
    what = f"{one.kind} {one.name} of {one.relation}, at {one.acts}"
    if one.kind == "rule":
        what += ": PostgreSQL refuses statements of Rowcrew, or rewrites them"
        remedy = f"do by a trigger what it does; as its owner: {dropping_rule(one)}"
        return check("schema", "failed", what, remedy)
    what += (
        f": its function {one.function} may leave rows out, and nobody is told of a job that stays as it was"
    )
    remedy = (
        "let it return NEW for every row of Rowcrew's, or refuse one with RAISE, whose reason `why` tells"
    )
    return check("schema", "warning", what, remedy)
