"""The crew of `rowcrew demo web`: work as a business has it, some of which fails as it does elsewhere."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

from rowcrew import Backoff, Context, Crew, PermanentError

crew = Crew()

_QUICK = Backoff(base_seconds=20)


class Refused(Exception):
    """The other side does not want to."""


@crew.job("invoice_mail", queue="mail", backoff=_QUICK)
async def invoice_mail(context: Context, to: str, invoice: int = 0) -> dict[str, str]:
    """Send one mail; now and then the server refuses an address for good."""
    await asyncio.sleep(random.uniform(0.1, 0.5))
    if random.random() < 0.03:
        raise PermanentError(f"550 no such mailbox: {to}")
    context.log.info("Sent", to=to, invoice=invoice)
    return {"messageId": f"<{context.job.id}@mail.example>"}


@crew.job("thumbnail", queue="media")
async def thumbnail(file: str, width: int = 320) -> dict[str, object]:
    """Make a small picture of a large one."""
    await asyncio.sleep(random.uniform(0.2, 0.9))
    return {"file": f"{width}/{file}", "bytes": random.randint(8_000, 60_000)}


@crew.job("crawl_page", queue="crawl", max_attempts=3, backoff=_QUICK)
async def crawl_page(context: Context, url: str) -> dict[str, object]:
    """Read one page; the server is not always well."""
    await asyncio.sleep(random.uniform(0.6, 3.0))
    if url.endswith("login"):
        raise Refused(f"HTTP 403 from {url.split('/')[2]}: sign in first")
    if random.random() < 0.12:
        raise Refused(f"HTTP 503 from {url.split('/')[2]} after {random.randint(900, 2900)} ms")
    context.log.info("Read", url=url, status=200)
    return {"links": random.randint(10, 120)}


@crew.job("report", queue="reports", timeout=timedelta(minutes=5), backoff=_QUICK)
async def report(context: Context, account: int, pages: int) -> dict[str, int]:
    """Draw a report page by page."""
    for page in range(1, pages + 1):
        await asyncio.sleep(random.uniform(0.2, 0.6))
        context.progress(page, pages, "Drawing pages")
        context.log.info("Drew a page", page=page, account=account)
        if page == 9 and random.random() < 0.15:
            raise ValueError(f"no chart named 'waterfall' on page {page}")
    return {"pages": pages, "bytes": pages * 41_200}


@crew.job("import_rows", queue="imports", timeout=timedelta(minutes=10))
async def import_rows(context: Context, file: str, rows: int) -> dict[str, int]:
    """Import a file in blocks; the next attempt goes on after the last block that is stored."""
    done = int(context.job.checkpoint or 0)
    while done < rows:
        await asyncio.sleep(1)
        done += 1_500
        context.progress(done, rows, f"Importing {file}")
        context.checkpoint(done)
        context.log.info("Stored a block", rows=done)
    return {"rows": rows}
