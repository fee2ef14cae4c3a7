"""The doctor's comparison of the tables with what the migrations make.

In: a link to a database at our revision. Out: one `Check` for each part that is missing or different, and for
what else no INSERT of ours gets past. Called by `database_checks`.
"""

from __future__ import annotations

from typing import NamedTuple

import psycopg

from rowcrew.admin.check import Check, check
from rowcrew.model.remedy import Remedy
from rowcrew.model.shape import Part, differences, obstacles
from rowcrew.table import operator
from rowcrew.table.link import Link
from rowcrew.table.shape import expected, giving_default, names, queue_revision


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
