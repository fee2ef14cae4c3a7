"""The statements by which an import looks at its target."""

from __future__ import annotations

from typing import Final

from rowcrew.sql import Statements

SQL: Final = Statements("rowcrew.bundled.csv_import")
