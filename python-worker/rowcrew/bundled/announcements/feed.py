"""Feeds of exchanges: a file of announcements becomes jobs.

In: the bytes of a file that somebody saved from BSE or NSE. Out: a job for each announcement, with the corpId
as its unique key. No exchange is asked. Called by `rowcrew enqueue ai_processing --feed FILE`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from rowcrew import NewJob, RowcrewError
from rowcrew.bundled.announcements.filing import Filing, filing_of
from rowcrew.bundled.announcements.processed import Exchange
from rowcrew.bundled.announcements.settings import AnnouncementSettings

_SHAPES: Final = (
    'give BSE\'s {"Table": [{"NEWSID": …}]} or NSE\'s [{"symbol": …, "an_dt": …}], as the exchange answers it'
)
_KEY_CHARACTERS: Final = 200


class FeedRefused(RowcrewError):
    """A file is no feed, or an entry of it no announcement."""


def jobs_of(content: bytes) -> list[NewJob]:
    """A job for each announcement, in the order of the feed; one that stands there twice is one.

    Raises:
        FeedRefused: the file has another form.
    """
    try:
        document = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except msgspec.DecodeError as error:
        raise FeedRefused(f"the feed is not JSON: {error}") from error
    attachments = AnnouncementSettings.read().attachments
    found = {job.unique_key: job for job in _jobs(_entries(document), attachments)}
    return list(found.values())


def _entries(document: Any) -> Sequence[Any]:
    if isinstance(document, dict):
        document = next((document[name] for name in ("Table", "data", "rows") if name in document), None)
    if not isinstance(document, list):
        raise FeedRefused(f"the feed has no list of announcements: {_SHAPES}")
    return document


def _jobs(entries: Sequence[Any], attachments: str) -> Iterator[NewJob]:
    for number, entry in enumerate(entries, start=1):
        exchange = _exchange(number, entry)
        filing = filing_of(exchange, entry)
        payload = {
            "corpId": corp_id(exchange, filing, entry),
            "exchange": exchange,
            "announcement": entry,
            "companyName": filing.company_name,
            "securityId": filing.security_id[:100],
            "isin": filing.isin[:12],
        }
        if filing.attachment:
            payload["pdf"] = _source(filing.attachment, attachments)
        yield NewJob("ai_processing", payload, queue="ai_processing", unique_key=str(payload["corpId"]))


def _exchange(number: int, entry: Any) -> Exchange:
    if isinstance(entry, dict) and entry.get("NEWSID"):
        return "BSE"
    if isinstance(entry, dict) and entry.get("symbol") and (entry.get("an_dt") or entry.get("sort_date")):
        return "NSE"
    raise FeedRefused(f"entry {number} of the feed is no announcement: {_SHAPES}")


def corp_id(exchange: Exchange, filing: Filing, entry: Mapping[str, Any]) -> str:
    """BSE names its announcements; NSE's are told apart by company, moment and what they say."""
    if exchange == "BSE":
        return f"BSE-{entry['NEWSID']}"[:_KEY_CHARACTERS]
    if entry.get("seq_id"):
        return f"NSE-{entry['seq_id']}"[:_KEY_CHARACTERS]
    told = f"{entry.get('sort_date') or entry.get('an_dt')}\n{filing.attachment}\n{filing.text}"
    return f"NSE-{filing.security_id[:100]}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _source(attachment: str, attachments: str) -> dict[str, str]:
    if re.match("https?://", attachment):
        return {"url": attachment}
    if re.match("https?://", attachments):
        return {"url": f"{attachments.rstrip('/')}/{quote(attachment)}"}
    return {"path": f"{attachments.rstrip('/')}/{attachment}"}
