"""What is known of an announcement once it was read: the schema that every reader of filings answers in.

In: what a provider found. Out: frozen values that become JSON of payloads and results, and rows. Amounts are
texts of decimal digits, because JSON's numbers are none in every reader.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

CorpId = Annotated[str, Meta(min_length=1, max_length=200)]
Line = Annotated[str, Meta(max_length=1_000)]
Decimals = Annotated[str, Meta(pattern=r"^-?\d{1,24}(\.\d{1,6})?$")]
Exchange = Literal["BSE", "NSE"]
FigureKind = Literal["amount", "perShare", "dividend", "ratio", "date", "period"]
Sentiment = Literal["positive", "neutral", "negative"]
Action = Literal["bought", "sold", "holds"]


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure of a filing.

    Attributes:
        kind: what sort of figure: of `amount`, `perShare` and `dividend` the value is money.
        label: what it is about, such as `order value` or `record date`.
        value: digits of money, such as `123400000`; `1:2` of ratios; ISO 8601 of dates; a period's words.
        currency: of money, as ISO 4217 has it.
        quote: the words it stands in.
    """

    kind: FigureKind
    label: Annotated[str, Meta(max_length=100)] = ""
    value: Annotated[str, Meta(min_length=1, max_length=100)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None
    quote: Line = ""


class NamedInvestor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who a filing says buys, sells or holds shares.

    Attributes:
        name: as the filing has it.
        action: what the filing says of them.
        shares: of the deal, or held.
        percent: of the company that they hold after it.
    """

    name: Annotated[str, Meta(min_length=1, max_length=300)]
    action: Action | None = None
    shares: Annotated[int, Meta(ge=0, le=10**15)] | None = None
    percent: Decimals | None = None


class Analysis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What a provider answers about the text of a filing."""

    category: Annotated[str, Meta(min_length=1, max_length=100)]
    headline: Line
    summary: Annotated[str, Meta(max_length=5_000)]
    financial_data: Annotated[tuple[Figure, ...], Meta(max_length=1_000)] = ()
    individual_investors: Annotated[tuple[NamedInvestor, ...], Meta(max_length=1_000)] = ()
    company_investors: Annotated[tuple[NamedInvestor, ...], Meta(max_length=1_000)] = ()
    sentiment: Sentiment = "neutral"


class Processed(Analysis, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An announcement that was read: the analysis, and what it is an analysis of.

    Attributes:
        announced_at: when the exchange told it, or None if the feed does not say.
        pdf_sha256: of the file, if there was one.
        pages: of the file.
        note: why there is less than one may expect, such as `scanned, no text`.
        engine: provider and version; another engine reads a filing anew.
    """

    exchange: Exchange
    company_name: Line = ""
    security_id: Annotated[str, Meta(max_length=100)] = ""
    isin: Annotated[str, Meta(max_length=12)] = ""
    subject: Line = ""
    announced_at: datetime | None = None
    pdf_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    pages: Annotated[int, Meta(ge=0)] = 0
    note: str | None = None
    engine: Annotated[str, Meta(max_length=100)] = ""
