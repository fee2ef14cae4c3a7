"""The statements about announcements, investors and those who watch them."""

from __future__ import annotations

from typing import Final

from rowcrew.sql import Statements

SQL: Final = Statements("rowcrew.bundled.announcements")
