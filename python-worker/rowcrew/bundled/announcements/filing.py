"""An announcement as exchanges tell it, in one form.

In: an entry of a feed, BSE's or NSE's, as it came. Out: a `Filing`. Fields that are missing, empty or of
another type are as good as not there: feeds change without a word. Called by `feed` and `ai_processing`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import msgspec

from rowcrew.bundled.announcements.processed import Exchange

# The exchanges tell the time of their place, without saying so.
INDIA: Final = timezone(timedelta(hours=5, minutes=30))
_NSE_MOMENT: Final = "%d-%b-%Y %H:%M:%S"
_LINE: Final = 1_000


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """An announcement, whichever exchange told it.

    Attributes:
        hints: what the exchange calls it: its category and subcategory.
        subject: the line that stands above it.
        text: what the exchange says beside the file.
        attachment: the file's name or address.
    """

    exchange: Exchange
    company_name: str
    security_id: str
    isin: str
    hints: str
    subject: str
    text: str
    announced_at: datetime | None
    attachment: str


def filing_of(exchange: Exchange, entry: Mapping[str, Any]) -> Filing:
    """The announcement of a feed's entry."""
    return _of_bse(entry) if exchange == "BSE" else _of_nse(entry)


def _of_bse(entry: Mapping[str, Any]) -> Filing:
    subject = _text(entry, "NEWSSUB")
    return Filing(
        exchange="BSE",
        company_name=_text(entry, "SLONGNAME"),
        security_id=_text(entry, "SCRIP_CD"),
        isin=_text(entry, "ISIN"),
        hints=f"{_text(entry, 'CATEGORYNAME')}. {_text(entry, 'SUBCATNAME')}",
        subject=_without_company(subject) or _text(entry, "HEADLINE"),
        text=_text(entry, "MORE") or _text(entry, "HEADLINE"),
        announced_at=_moment(_text(entry, "DissemDT") or _text(entry, "NEWS_DT")),
        attachment=_text(entry, "ATTACHMENTNAME"),
    )


def _of_nse(entry: Mapping[str, Any]) -> Filing:
    text = _text(entry, "attchmntText")
    return Filing(
        exchange="NSE",
        company_name=_text(entry, "sm_name"),
        security_id=_text(entry, "symbol"),
        isin=_text(entry, "sm_isin"),
        hints=_text(entry, "desc"),
        subject=_text(entry, "desc") or text,
        text=text,
        announced_at=_moment(_text(entry, "sort_date") or _text(entry, "an_dt")),
        attachment=_text(entry, "attchmntFile"),
    )


def _without_company(subject: str) -> str:
    """BSE writes `Company - 999001 - Announcement under Regulation 30 (LODR)-Credit Rating`."""
    parts = re.split(r"\s+-\s+\d{6}\s*-?\s*", subject, maxsplit=1)
    return parts[-1].strip(" -")


def _moment(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, _as_nse_writes_it):
        try:
            found = read(text)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=INDIA)
    return None


def _as_nse_writes_it(text: str) -> datetime:
    return datetime.strptime(text, _NSE_MOMENT).replace(tzinfo=INDIA)


def _text(entry: Mapping[str, Any], name: str) -> str:
    """The field as a line of text, without what PostgreSQL cannot hold."""
    value = entry.get(name)
    if value is None or isinstance(value, bool | dict | list):
        return ""
    return " ".join(str(value).replace("\x00", "").split())[:_LINE]
