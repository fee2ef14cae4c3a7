"""The statements about documents, their chunks, and batches of files."""

from __future__ import annotations

from typing import Final

from rowcrew.sql import Statements

SQL: Final = Statements("rowcrew.bundled.retrieval")
