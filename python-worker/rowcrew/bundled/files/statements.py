"""The statements about the table `blobs`."""

from __future__ import annotations

from typing import Final

from rowcrew.sql import Statements

SQL: Final = Statements("rowcrew.bundled.files")
