"""The queue's statements: a folder of `sql/` for each module of verbs, a file for each verb."""

from __future__ import annotations

from typing import Final

from rowcrew.sql import Statements

SQL: Final = Statements("rowcrew.table")
