"""Who has signed in sees and may do what the role says, on every page."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from rig.databases import new_database
from rig.programs import program, run
from rowcrew.embedded import EmbeddedPostgres
from tests.web.conftest import Web, serving
from tests.web.pages.conftest import Scene

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def closed(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Scene]:
    """A server with two users."""
    with new_database(server, "roles", template=migrated_template) as name:
        url = server.url_of(name)
        for user, role in (("vera", "viewer"), ("olga", "operator")):
            words = ("web", "users", "add", user, "--role", role, "--password-stdin")
            added = run(*words, stdin=PASSWORD, DATABASE_URL=url)
            assert added.returncode == 0, added.stderr
        with (
            psycopg.connect(url, autocommit=True) as connection,
            program(*serving(), DATABASE_URL=url) as served,
        ):
            yield Scene(Web(served, url, connection))


def signed_in(browser: Browser, scene: Scene, name: str, path: str) -> Page:
    page = browser.new_context(base_url=scene.address).new_page()
    page.goto(path)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def test_a_viewer_looks_and_reads_no_payload(browser: Browser, closed: Scene) -> None:
    id = closed.failed(message="HTTP 503", payload={"secret": "iban"}, result={"secret": "iban"})
    closed.stage('INSERT INTO job_logs ("jobId", lines, attempt, text) VALUES (%s, 1, 3, %s)', id, "iban")
    page = signed_in(browser, closed, "vera", f"/jobs/{id}")
    expect(page.locator("h1")).to_have_text("crawl_page")
    expect(page.get_by_role("button", name="Requeue")).to_be_disabled()
    assert "iban" not in page.content()
    assert "Traceback" not in page.content()
    answer = page.request.post(
        f"/jobs/{id}/requeue",
        headers={"Origin": closed.address, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert page.request.get(f"/jobs/{id}/edit").status == 403
    for path in ('/jobs?q="iban"', '/api/v1/jobs?q="iban"', '/api/v1/bulk/count?change=requeue&q="iban"'):
        assert page.request.get(path).status == 403
    assert answer.status == 403
    assert "who looks and changes nothing" in answer.text()
    assert closed.status(id) == "failed"
    page.context.close()


def test_who_asks_again_shares_looks_with_others_and_no_page_with_who_may_see_more(
    browser: Browser, closed: Scene
) -> None:
    id = closed.failed(payload={"secret": "iban"})
    olga = signed_in(browser, closed, "olga", f"/jobs/{id}")
    expect(olga.locator("#facts")).to_be_visible()
    vera = signed_in(browser, closed, "vera", f"/jobs/{id}")
    expect(vera.locator("#facts")).to_be_visible()
    tag = '""'
    for page, sees in ((olga, True), (vera, False), (olga, True)):
        answer = page.request.get(f"/jobs/{id}", headers={"If-None-Match": tag})
        assert (answer.status, "iban" in answer.text()) == (200, sees)
        tag = answer.headers["etag"]
    olga.context.close()
    vera.context.close()


def test_an_operator_requeues_sets_no_limit_and_signs_out(browser: Browser, closed: Scene) -> None:
    id = closed.failed(message="HTTP 503", payload={"secret": "iban"})
    page = signed_in(browser, closed, "olga", f"/jobs/{id}")
    expect(page.locator("#facts")).to_be_visible()
    assert "iban" in page.content()
    page.get_by_role("button", name="Requeue").click()
    expect(page.get_by_role("status")).to_contain_text("queued again")
    who = closed.web.value(
        "SELECT detail ->> 'actor' FROM events WHERE kind = 'web.requeue_job' AND subject = %s", str(id)
    )
    assert who == "olga"
    page.goto("/limits?queue=crawl")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.get_by_role("button", name="sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.context.close()
