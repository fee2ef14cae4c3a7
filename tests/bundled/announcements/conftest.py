"""A database for announcements, filings of a company that is none, and one short way to run each type."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from reportlab.pdfgen.canvas import Canvas

from rig.databases import new_database
from rowcrew import NewJob
from rowcrew.bundled import crew
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.testing import HandlerRun, run_handler

TABLES = ("announcements", '"announcementFigures"', '"announcementInvestors"')
ORDER = (
    "Dear Sir,",
    "We wish to inform you that Meru Foods Limited has received a work order worth Rs. 72.62 crore",
    "(excluding GST) from Falcon Rail Corporation for supply of steel pipes within eight months.",
    "Further, Mr. Ramesh K. Damani has acquired 1,50,000 equity shares representing 2.35% of the capital",
    "of the Company at Rs. 120/- per share.",
)


class Desk:
    """Runs the three types on a database of its own."""

    def __init__(self, url: str, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.url = url
        self.connection = connection
        self._read: NewJob | None = None

    def run(self, type: str, payload: dict[str, Any], **options: Any) -> HandlerRun:
        return run_handler(crew, type, payload, database_url=self.url, **options)

    def read(self, **payload: Any) -> HandlerRun:
        return self.run("ai_processing", {**filing(), **payload})

    def upload(self, **payload: Any) -> HandlerRun:
        """Keep the filing, which is read the first time."""
        if self._read is None:
            (self._read,) = self.read().children
        return self.run("supabase_upload", {**self._read.payload, **payload})

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement.encode(), parameters or None).fetchall()

    def counts(self) -> list[int]:
        return [int(self.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in TABLES]


def pdf_of(*pages: Sequence[str], password: Any = None) -> bytes:
    """A PDF with these lines on its pages."""
    content = io.BytesIO()
    canvas = Canvas(content, invariant=1, encrypt=password)
    for page in pages:
        for number, line in enumerate(page):
            canvas.drawString(40, 800 - 14 * number, line)
        canvas.showPage()
    canvas.save()
    return content.getvalue()


def inline(content: bytes) -> dict[str, str]:
    return {"inlineBase64": base64.b64encode(content).decode()}


def filing(**changes: Any) -> dict[str, Any]:
    """The payload of a filing about an order, in BSE's shape."""
    return {
        "corpId": "BSE-1",
        "exchange": "BSE",
        "announcement": bse_entry(),
        "pdf": inline(pdf_of(ORDER)),
        **changes,
    }


def bse_entry(**changes: Any) -> dict[str, Any]:
    return {
        "NEWSID": "1",
        "SCRIP_CD": 999001,
        "SLONGNAME": "Meru Foods Limited",
        "NEWSSUB": "Meru Foods Limited - 999001 - Announcement under Regulation 30 (LODR)-Award_of_Order",
        "HEADLINE": "Receipt of order",
        "NEWS_DT": "2026-11-26T18:05:33.123",
        "ATTACHMENTNAME": "order.pdf",
        "CATEGORYNAME": "Company Update",
        "SUBCATNAME": "Award of Order / Receipt of Order",
        **changes,
    }


def nse_entry(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "MERUFOODS",
        "sm_name": "Meru Foods Limited",
        "sm_isin": "INE999A01015",
        "desc": "Awarding of order(s)/contract(s)",
        "an_dt": "26-Nov-2026 18:05:33",
        "sort_date": "2026-11-26 18:05:33",
        "attchmntFile": "https://files.example/order.pdf",
        "attchmntText": "Meru Foods Limited has informed the Exchange regarding an order.",
        **changes,
    }


@pytest.fixture(scope="module")
def desk_database(server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    with new_database(server, "announcements", template=migrated_template) as name:
        yield server.url_of(name)


@pytest.fixture
def desk(desk_database: str) -> Iterator[Desk]:
    with psycopg.connect(desk_database, autocommit=True) as connection:
        connection.execute("TRUNCATE announcements, investors, watchlists CASCADE")
        yield Desk(desk_database, connection)
