"""The statements about the steps of investigations, and about what a model asks a database."""

from __future__ import annotations

from typing import Final

from rowcrew.sql import Statements

SQL: Final = Statements("rowcrew.bundled.investigation")
