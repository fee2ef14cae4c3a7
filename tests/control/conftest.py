"""A worker whose organs a test ticks one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.control.site import OpenSite, Site, sites


@pytest.fixture
async def open_site(database_url: str) -> AsyncIterator[OpenSite]:
    async with sites(database_url) as open_site:
        yield open_site


@pytest.fixture
async def site(open_site: OpenSite) -> Site:
    """A worker with four slots and one shared runner."""
    return await open_site()
