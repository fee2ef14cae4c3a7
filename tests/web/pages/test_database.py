"""The screen Database: read by mouse, by keyboard and without a script; what it shows stays text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect
from psycopg import sql

from rig.waiting import eventually
from rowcrew.admin.database import HELD_SECONDS
from tests.web.pages.conftest import OpenPage, Scene
from tests.web.pages.test_errands import tab_to
from tests.web.pages.test_hostile import HOSTILE, caught
from tests.web.pages.test_plain import post

BROKEN = "jobs half built"


@contextmanager
def an_invalid_index(scene: Scene, name: str = BROKEN) -> Iterator[None]:
    """As a build leaves it that was cut off."""
    index = sql.Identifier(name)
    with pytest.raises(psycopg.errors.UniqueViolation):
        scene.web.connection.execute(
            sql.SQL("CREATE UNIQUE INDEX CONCURRENTLY {} ON jobs (queue)").format(index)
        )
    try:
        yield
    finally:
        scene.web.connection.execute(sql.SQL("DROP INDEX {}").format(index))


def look_again(scene: Scene) -> None:
    """The next page is of a look that begins now: somebody has changed something."""
    assert post(scene, "/queues/resume", "queue=mail").status == 303


def test_what_is_wrong_stands_first_with_the_statement_that_helps(open_page: OpenPage, scene: Scene) -> None:
    with an_invalid_index(scene):
        look_again(scene)
        page = open_page("/database")
        expect(page.locator("#judged")).to_contain_text("is invalid")
    expect(page.locator("h1")).to_contain_text("in the database need")
    first = page.locator("#judged > li").nth(0)
    expect(first).to_have_class("reason bad")
    statement = page.locator("#judged-indexes pre")
    expect(statement).to_have_text(f'REINDEX INDEX CONCURRENTLY "{BROKEN}";')
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#judged-indexes").get_by_role("button", name="Copy").click()
    expect(page.locator("#judged-indexes").get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("REINDEX INDEX")


def test_smaller_tables_are_unfolded_by_keyboard_and_stay_so(open_page: OpenPage, scene: Scene) -> None:
    page = open_page("/")
    page.keyboard.press("g")
    with page.expect_navigation():
        page.keyboard.press("d")
    expect(page.locator("h1")).to_contain_text("in the database")
    expect(page.get_by_role("rowheader", name="web_users")).to_be_hidden()
    tab_to(page, page.locator("#tables summary"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("rowheader", name="web_users")).to_be_visible()
    with page.expect_response("**/database"):
        pass
    expect(page.get_by_role("rowheader", name="web_users")).to_be_visible()


def test_it_is_all_there_without_javascript(open_page: OpenPage) -> None:
    page = open_page("/database", java_script_enabled=False)
    for title in ("Oldest snapshot", "Connections", "Tables", "What the doctor says", "Audit log"):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    page.locator("#indexes summary").click()
    assert page.locator("#indexes tbody tr").count() == 30


def test_what_the_doctor_says_and_what_people_did_is_shown(open_page: OpenPage, scene: Scene) -> None:
    id = scene.job()
    assert post(scene, f"/jobs/{id}/cancel", "").status == 303
    page = open_page("/database")
    expect(page.locator("#doctor")).to_contain_text("queue archive, type transcribe")
    expect(page.locator("#doctor")).to_contain_text("Start a worker that serves it")
    expect(page.locator("#acts")).to_contain_text("cancel job")
    expect(page.locator("#acts tbody tr").first).to_contain_text(str(id))


def has_stood(session: psycopg.Connection[tuple[Any, ...]]) -> bool:
    """Whether the transaction is as old as one has to be to be told of."""
    row = session.execute(
        "SELECT extract(epoch FROM clock_timestamp() - now()) >= %s", [HELD_SECONDS]
    ).fetchone()
    return row == (True,)


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_sessions_indexes_and_people_stay_text(open_page: OpenPage, scene: Scene, text: str) -> None:
    scene.stage(
        """INSERT INTO events (kind, subject, detail)
           VALUES ('web.cancel_job', %s, jsonb_build_object('actor', CAST(%s AS text)))""",
        text,
        text,
    )
    with (
        psycopg.connect(scene.web.url, application_name=text[:60]) as session,
        an_invalid_index(scene, text[:60]),
    ):
        session.execute("SELECT txid_current()")
        eventually(lambda: has_stood(session))
        look_again(scene)
        page = open_page("/database")
        expect(page.locator("#acts")).to_contain_text(text)
        expect(page.locator("#judged-indexes")).to_contain_text(text[:60])
        expect(page.locator("#judged-snapshot")).to_contain_text("session")
        assert not caught(page)
