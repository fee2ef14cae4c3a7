"""The worker's role is enough for limits, and not for more; a producer's changes none."""

from __future__ import annotations

import psycopg
import pytest

from rig.logins import As, Login
from rig.table import Table
from rowcrew.control.chores.prune_starts import PruneStarts
from rowcrew.table import limits
from tests.control.site import Site
from tests.limits.test_road import finish, taken

pytestmark = pytest.mark.anyio


async def test_a_worker_with_its_role_alone_works_limits_and_ends_those_for_a_time(
    login: Login, table: Table
) -> None:
    table.rows(
        """
        INSERT INTO queues (queue, "maxConcurrent", "rateLimit", until) VALUES ('default', 1, 5, now())
        """
    )
    table.rows(
        """INSERT INTO limits (key, "maxConcurrent", "rateLimit", until) VALUES ('api', 1, 5, now())"""
    )
    table.rows("""UPDATE queues SET "limitedAt" = now() - interval '1 hour'""")
    table.rows("""UPDATE limits SET "createdAt" = now() - interval '1 hour'""")
    ids = [table.enqueue("quick", concurrencyKey="api") for _ in range(2)]
    site = Site(login("worker"))
    try:
        await site.open()
        assert await taken(site) == ids[:1]
        await finish(site, ids[0])
        assert [row.kind for row in await limits.put_back(site.links.chores)] == ["queue", "key"]
        await PruneStarts(link=site.links.chores).once()
    finally:
        await site.close()


@pytest.mark.parametrize("table", ["queues", "limits", "starts"])
def test_a_producer_changes_no_limit(as_role: As, table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role("producer").execute(f"DELETE FROM {table}".encode())
