"""A worker whose organs a test ticks one by one, and the limits that a person sets."""

from __future__ import annotations

from tests.control.conftest import OpenSite, open_site, site

__all__ = ["OpenSite", "open_site", "site"]
