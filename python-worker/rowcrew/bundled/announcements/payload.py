"""The payloads of the three types: a filing to read, what was read to keep, and investors to link.

In: JSON. Out: frozen values, checked. Called by the handlers.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from rowcrew.bundled.announcements.processed import CorpId, Exchange, Line, NamedInvestor, Processed
from rowcrew.bundled.files.sources import Source

Investors = Annotated[tuple[NamedInvestor, ...], Meta(max_length=1_000)]


class AiProcessing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A filing to read.

    Attributes:
        corp_id: the announcement's name everywhere; one row for each in every table.
        announcement: the announcement as the feed of the exchange has it.
        pdf: the file; without one only the words of the feed are read.
        company_name, security_id, isin: whose; without them, as the announcement says.
    """

    corp_id: CorpId
    exchange: Exchange
    announcement: dict[str, Any] = {}
    pdf: Source | None = None
    company_name: Line | None = None
    security_id: Annotated[str, Meta(max_length=100)] | None = None
    isin: Annotated[str, Meta(max_length=12)] | None = None


class SupabaseUpload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What was read, to be kept.

    Attributes:
        processed: all that is known of the announcement.
        update_existing: replace what is kept of it.
    """

    corp_id: CorpId
    processed: Processed
    update_existing: bool = False


class InvestorProcessing(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """The investors of an announcement that is kept already."""

    corp_id: CorpId
    category: Annotated[str, Meta(max_length=100)] = ""
    individual_investors: Investors = ()
    company_investors: Investors = ()
