"""Who sends the invoices."""

from __future__ import annotations

from typing import ClassVar

from rowcrew.settings import readers
from rowcrew.settings.family import FamilySettings
from rowcrew.settings.variables import Variable


class InvoiceSettings(FamilySettings, frozen=True, kw_only=True):
    """Who sends the invoices, and when they are due."""

    sender: str
    due_seconds: float = 1_209_600.0

    variables: ClassVar[tuple[Variable, ...]] = (
        Variable(
            ("ACME_SENDER",), "sender", readers.text, "required", "who sends the invoices", is_required=True
        ),
        Variable(("ACME_DUE",), "due_seconds", readers.seconds, "14d", "how soon an invoice is due"),
    )
