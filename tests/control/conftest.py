"""A worker whose organs a test ticks one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.control.site import Site

OpenSite = Callable[..., Any]


@pytest.fixture
async def open_site(database_url: str) -> AsyncIterator[OpenSite]:
    """Make a worker with these settings; `await open_site(slots=…)`."""
    async with AsyncExitStack() as opened:

        async def open_one(**given: Any) -> Site:
            site = Site(database_url, **given)
            opened.push_async_callback(site.close)
            await site.open()
            return site

        yield open_one


@pytest.fixture
async def site(open_site: OpenSite) -> Any:
    """A worker with four slots and one shared runner."""
    return await open_site()
