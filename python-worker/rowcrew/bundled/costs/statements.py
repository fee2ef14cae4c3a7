"""The statements about cloud accounts, their costs and anomalies."""

from __future__ import annotations

from typing import Final

from rowcrew.sql import Statements

SQL: Final = Statements("rowcrew.bundled.costs")
