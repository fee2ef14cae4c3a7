"""Five thousand jobs requeued on the page: the number first, undone, watched, stopped, gone through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from rig.waiting import eventually
from tests.web.pages.conftest import OpenPage, Scene
from tests.web.pages.test_errands import tab_to
from tests.web.pages.test_plain import post

JOBS = 5_000
PART = 1_000


@pytest.fixture
def failed(scene: Scene) -> Iterator[str]:
    """A type of which so many jobs have failed."""
    scene.web.execute(
        "INSERT INTO jobs (type, queue) SELECT 'thousands', 'bulk' FROM generate_series(1, %s)", JOBS
    )
    scene.web.execute("UPDATE jobs SET status = 'failed' WHERE type = 'thousands'")
    yield "thousands"
    scene.web.execute("DELETE FROM jobs WHERE type = 'thousands'")


def queued(scene: Scene, type: str) -> int:
    return int(scene.web.value("SELECT count(*) FROM jobs WHERE type = %s AND status = 'queued'", type))


def counted(open_page: OpenPage, type: str) -> Page:
    page = open_page(f"/jobs?q=type:{type} status:failed")
    page.get_by_role("link", name="Requeue all that fit").click()
    expect(page.locator("h1")).to_have_text(f"Requeue {JOBS:,} jobs?")
    return page


@contextmanager
def held(scene: Scene, type: str) -> Iterator[None]:
    """A job of the third part is locked, so that the change waits there."""
    with psycopg.connect(scene.web.url) as other:
        other.execute(
            """SELECT FROM jobs
                WHERE id = (SELECT id FROM jobs WHERE type = %s ORDER BY id DESC OFFSET %s LIMIT 1)
                  FOR UPDATE""",
            [type, 2 * PART + PART // 2],
        )
        yield


def bulk(scene: Scene) -> dict[str, Any]:
    """The one that began last."""
    newest: dict[str, Any] = scene.web.get("/api/v1/bulk").json["bulk"][0]
    return newest


@pytest.mark.slow
def test_five_thousand_are_undone_then_stopped_half_way_then_done(
    open_page: OpenPage, scene: Scene, failed: str
) -> None:
    page = counted(open_page, failed)
    page.get_by_role("button", name="Requeue 5,000").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_contain_text("Taken back: 0 jobs")
    assert queued(scene, failed) == 0

    page = counted(open_page, failed)
    with held(scene, failed):
        tab_to(page, page.get_by_role("button", name="Requeue 5,000"))
        page.keyboard.press("Enter")
        eventually(lambda: bulk(scene)["changed"] == 2 * PART)
        stop = page.get_by_role("button", name="Stop here")
        stop.click()
        expect(page.locator("h1")).to_have_text("2,000 of 5,000 jobs are queued again so far.")
        assert page.locator("#bulk progress").evaluate("bar => bar.value") == 0.4
    expect(page.locator("h1")).to_contain_text("Taken back: 3,000 jobs are queued again.")
    assert queued(scene, failed) == 3 * PART

    page = open_page(f"/bulk?change=requeue&q=type:{failed}", java_script_enabled=False)
    page.get_by_role("button", name="Requeue 2,000").click()
    eventually(lambda: bulk(scene)["state"] == "done")
    page.get_by_role("link", name="How far is it?").click()
    expect(page.locator("h1")).to_have_text("Done: 2,000 jobs are queued again.")
    assert queued(scene, failed) == JOBS
    acts = scene.web.value("SELECT count(*) FROM events WHERE kind IN ('web.begin_bulk', 'web.stop_bulk')")
    assert acts >= 5
    begun = "kind = 'web.begin_bulk' AND detail->>'change' = 'requeue' AND detail->>'q' ~ 'type:thousands'"
    assert scene.web.value(f"SELECT count(*) FROM events WHERE {begun}") == 3


def test_queued_jobs_are_prioritised_and_rescheduled_after_ten_seconds_to_undo(
    open_page: OpenPage, scene: Scene
) -> None:
    ids = [scene.job("movable") for _ in range(3)]
    done = scene.failed("movable")
    page = open_page("/jobs?q=type:movable")
    page.get_by_role("link", name="Prioritise or reschedule").click()
    expect(page.locator("h1")).to_have_text("Change 3 jobs?")
    tab_to(page, page.get_by_label("Priority"))
    page.keyboard.type("high")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_contain_text("Taken back: 0 jobs")

    page = open_page("/bulk?change=edit&q=type:movable", java_script_enabled=False)
    page.get_by_label("Priority").fill("-7")
    page.get_by_label("Runs at").fill("2h")
    page.get_by_role("button", name="Change 3").click()
    eventually(lambda: bulk(scene)["state"] == "done")
    page.get_by_role("link", name="How far is it?").click()
    expect(page.locator("h1")).to_have_text("Done: 3 jobs are changed.")
    moved = scene.web.value(
        """SELECT array_agg(id ORDER BY id) FROM jobs WHERE type = 'movable' AND priority = -7
              AND "runAt" BETWEEN now() + interval '110 min' AND now() + interval '120 min'"""
    )
    assert moved == ids
    assert scene.status(done) == "failed"
    tells = scene.web.value(
        "SELECT detail FROM events WHERE kind = 'web.begin_bulk' ORDER BY id DESC LIMIT 1"
    )
    assert (tells["change"], tells["priority"], tells["runAt"][:2]) == ("edit", -7, "20")


@pytest.mark.parametrize(
    ("priority", "when", "said"),
    [
        ("", " ", "Give a priority, or a time, or both."),
        ("soonish", "", "is no priority"),
        ("99999", "", "is no priority"),
        ("", "tomorrow", "is no time"),
        ("", "99999999d", "is no time"),
    ],
)
def test_what_is_no_priority_and_no_time_changes_nothing(
    scene: Scene, priority: str, when: str, said: str
) -> None:
    answered = post(scene, "/bulk", f"change=edit&q=type:crawl_page&to=9&priority={priority}&when={when}")
    assert (answered.status, said in answered.text) == (400, True), answered.text
