"""The statements about the table "modelRuns"."""

from __future__ import annotations

from typing import Final

from rowcrew.sql import Statements

SQL: Final = Statements("rowcrew.bundled.model_run")
