"""The statements about the table "Invoices"."""

from __future__ import annotations

from typing import Final

from rowcrew.sql import Statements

SQL: Final = Statements("acme_invoices")
