"""The statements of `rowcrew bench`, beside those that it measures: one file in `sql/` for each."""

from __future__ import annotations

from typing import Final

from rowcrew.sql import Statements

SQL: Final = Statements("rowcrew.bench")
