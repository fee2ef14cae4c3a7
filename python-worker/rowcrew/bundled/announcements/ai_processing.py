"""The type `ai_processing`: reads an announcement and the file with it.

In: the payload of a job. Out: category, headline, summary, figures, investors and sentiment, and a child that
keeps them. A file that was read before, for the same announcement and by the same engine, is not read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import IO, Final

import msgspec

from rowcrew.bundled.announcements.filing import Filing, filing_of
from rowcrew.bundled.announcements.kept import known_filing
from rowcrew.bundled.announcements.payload import AiProcessing
from rowcrew.bundled.announcements.pdf_text import page_texts
from rowcrew.bundled.announcements.processed import Processed
from rowcrew.bundled.announcements.provider import Provider, provider_of
from rowcrew.bundled.announcements.target import target_beside
from rowcrew.bundled.files.arrival import Patience
from rowcrew.bundled.files.sources import Source, fetched, open_source
from rowcrew.context import Context
from rowcrew.crew import Crew

MOST_BYTES: Final = 25 * 10**6
SCANNED: Final = "scanned, no text"
NO_FILE: Final = "no file, only the words of the feed"
_PATIENCE: Final = Patience(deadline_seconds=30, attempts=3, longest_wait_seconds=4)
_PART_BYTES: Final = 2**20
crew = Crew()


# A process of its own: what a stranger's PDF does to a reader's memory and time, it does to this run alone.
@crew.job("ai_processing", queue="ai_processing", executor="process")
def ai_processing(payload: AiProcessing, context: Context) -> Processed:
    """Read an announcement of a company: category, figures, investors, summary."""
    filing, provider = _named(payload), provider_of(context)
    if payload.pdf is None:
        return _handed_on(payload.corp_id, _processed(provider, filing, (), note=NO_FILE), context)
    return _read(payload.corp_id, payload.pdf, filing, provider, context)


def _read(corp_id: str, pdf: Source, filing: Filing, provider: Provider, context: Context) -> Processed:
    with (
        fetched(pdf, MOST_BYTES, context, _PATIENCE) as source,
        context.transaction() as connection,
        open_source(source, connection, MOST_BYTES) as file,
    ):
        sha256 = _sha256(file)
        with target_beside(connection, context) as announcements:
            known = known_filing(announcements, corp_id, sha256, provider.engine)
        connection.commit()  # no transaction stays open while pages are read
        if known is not None:
            return known
        pages = page_texts(
            file,
            lambda number, count: context.progress(number, count, f"Reading page {number} of {count}"),
        )
    note = None if any(page.strip() for page in pages) else SCANNED
    return _handed_on(corp_id, _processed(provider, filing, pages, sha256=sha256, note=note), context)


def _handed_on(corp_id: str, processed: Processed, context: Context) -> Processed:
    """The result, and a child that keeps it: both in the commit of the completion, or neither."""
    payload = {"corpId": corp_id, "processed": msgspec.to_builtins(processed)}
    context.enqueue("supabase_upload", payload, queue="supabase_upload", unique_key=corp_id)
    return processed


def _named(payload: AiProcessing) -> Filing:
    """The announcement, whose company is the one of the payload where that names it."""
    filing = filing_of(payload.exchange, payload.announcement)
    return msgspec.structs.replace(
        filing,
        company_name=payload.company_name or filing.company_name,
        security_id=payload.security_id or filing.security_id[:100],
        isin=payload.isin or filing.isin[:12],
    )


def _processed(
    provider: Provider, filing: Filing, pages: Sequence[str], *, note: str | None, sha256: str | None = None
) -> Processed:
    analysis = provider.analysed(filing, pages)
    return Processed(
        **{name: getattr(analysis, name) for name in analysis.__struct_fields__},
        exchange=filing.exchange,
        company_name=filing.company_name,
        security_id=filing.security_id,
        isin=filing.isin,
        subject=filing.subject,
        announced_at=filing.announced_at,
        pdf_sha256=sha256,
        pages=len(pages),
        note=note,
        engine=provider.engine,
    )


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while part := file.read(_PART_BYTES):
        digest.update(part)
    file.seek(0)
    return digest.hexdigest()
