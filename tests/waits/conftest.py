"""A worker whose organs are ticked by hand, and jobs that wait for each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import pytest

from rig.table import Table
from tests.control.site import Site, sites

PARKED_YEAR = 9000
WHOLE_LOOK: Mapping[str, Any] = {"after": 0, "told_after": 0, "only": None}


class Family(Table):
    """Jobs by plain SQL, as any backend sends it."""

    def job(self, type: str = "quick", **columns: Any) -> int:
        return self.enqueue(type, **columns)

    def waiter(self, waits_for: Sequence[int], policy: str | None = None, **columns: Any) -> int:
        if policy is not None:
            columns["waitPolicy"] = policy
        return self.enqueue("quick", waitsFor=list(waits_for), **columns)

    def waits(self, id: int) -> bool:
        row = self.row(id)
        waits = row["watches"] is not None
        assert (row["runAt"].year == PARKED_YEAR, row["notBefore"] is not None) == (waits, waits)
        return waits

    def end(self, id: int, status: str = "completed") -> None:
        self.set_status(id, status)


@pytest.fixture
def family(database_url: str) -> Iterator[Family]:
    table = Family(database_url)
    yield table
    table.close()


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    """A worker with four slots and one shared runner."""
    async with sites(database_url) as open_site:
        yield await open_site()
