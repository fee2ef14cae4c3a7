"""One browser, one server and one database for each module of pages; each test makes the rows it changes.

None for longer: the loop of Playwright runs in this thread, and tests of others want one of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from rig.browser import chromium, headless
from rig.databases import new_database
from rig.programs import program
from rig.staging import past_triggers
from rowcrew.embedded import EmbeddedPostgres
from tests.web.conftest import Web, serving

# A page asks for itself every five seconds, and the machine may be busy.
expect.set_options(timeout=20_000)

OpenPage = Callable[..., Page]

VIOLATIONS = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""

QUEUES = """
INSERT INTO queues (queue, "maxConcurrent", paused)
VALUES ('crawl', 3, false), ('billing', 1, true), ('mail', NULL, false)
"""
WORKER = """
INSERT INTO workers ("bootId", name, host, pid, version, queues, types, slots, "heartbeatAt", "memoryBytes",
                     "cpuPercent")
VALUES (gen_random_uuid(), %s, 'vm', 7, '1.0', ARRAY['crawl', 'mail', 'billing'],
        ARRAY['crawl_page', 'invoice_mail'], 4, now() + interval '1 day', 98 * 1024 * 1024, 2.5)
RETURNING id
"""
SCHEDULE = """
INSERT INTO schedules (name, type, payload, queue, cron, timezone, "nextAt")
VALUES ('nightly', 'crawl_page', '{}', 'crawl', '30 2 * * *', 'America/New_York', now() + interval '5 hours')
"""


class Scene:
    """A running server and what it shows; rows are staged as no worker could write them at once."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.address = f"http://127.0.0.1:{web.port}"

    def job(self, type: str = "crawl_page", **columns: Any) -> int:
        """Stage a job by its columns; payloads and the like as Python values."""
        values = {"type": type, "queue": "crawl", **columns}
        for name in ("payload", "result", "progress", "checkpoint"):
            if name in values:
                values[name] = json.dumps(values[name])
        names = ", ".join(f'"{name}"' for name in values)
        with past_triggers(self.web.connection):
            return int(
                self.web.value(
                    f"INSERT INTO jobs ({names}) VALUES ({', '.join(['%s'] * len(values))}) RETURNING id",
                    *values.values(),
                )
            )

    def failed(self, type: str = "crawl_page", message: str = "HTTP 503 after 12 ms", **columns: Any) -> int:
        id = self.job(
            type,
            status="failed",
            attempts=3,
            errorMessage=message,
            startedAt="now()",
            finishedAt="now()",
            **columns,
        )
        self.stage(
            'INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome, error, traceback, "startedAt")'
            " VALUES (gen_random_uuid(), %s, 3, 'failed', %s, %s, now())",
            id,
            message,
            f"Traceback (most recent call last):\n{message}",
        )
        return id

    def stage(self, statement: str, *parameters: Any) -> None:
        with past_triggers(self.web.connection):
            self.web.execute(statement, *parameters)

    def worker(self, name: str) -> int:
        return int(self.web.value(WORKER, name))

    def status(self, id: int) -> str:
        return str(self.web.value("SELECT status FROM jobs WHERE id = %s", id))


@pytest.fixture(scope="module")
def scene(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Scene]:
    with new_database(server, "pages", template=migrated_template) as name:
        url = server.url_of(name)
        with (
            psycopg.connect(url, autocommit=True) as connection,
            program(*serving(), DATABASE_URL=url) as served,
        ):
            scene = Scene(Web(served, url, connection))
            scene.stage(QUEUES)
            scene.stage(SCHEDULE)
            scene.worker("harbour-1")
            for number in range(3):
                scene.job(payload={"url": f"https://shop.example/{number}"}, uniqueKey=f"page-{number}")
            scene.job("invoice_mail", queue="billing")
            scene.job("transcribe", queue="archive")
            scene.failed()
            yield scene


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with headless() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser, scene: Scene) -> Iterator[OpenPage]:
    """Opens a path in a context of its own; in the end no page may have broken its own policy or failed."""
    pages: list[Page] = []
    errors: list[str] = []

    def open_page(path: str, **options: Any) -> Page:
        context = browser.new_context(base_url=scene.address, **options)
        context.add_init_script(VIOLATIONS)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path)
        pages.append(page)
        return page

    yield open_page
    violations = [] if errors else [page.evaluate("window.violations ?? []") for page in pages]
    for page in pages:
        page.context.close()
    assert not errors
    assert not any(violations)
