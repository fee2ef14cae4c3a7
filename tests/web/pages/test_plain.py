"""Everything goes without JavaScript: forms, redirects, links."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Answered
from tests.web.pages.conftest import OpenPage, Scene


def test_a_queue_is_paused_without_javascript(open_page: OpenPage, scene: Scene) -> None:
    page = open_page("/", java_script_enabled=False)
    expect(page.locator("#pause")).to_be_hidden()
    for paused in (True, False):
        page.get_by_role("switch", name=re.compile(": mail$")).click()
        assert scene.web.value("SELECT paused FROM queues WHERE queue = 'mail'") is paused


def test_chosen_jobs_are_cancelled_without_javascript(open_page: OpenPage, scene: Scene) -> None:
    ids = [scene.job("plain") for _ in range(2)]
    page = open_page("/jobs", java_script_enabled=False)
    page.get_by_label("Filter jobs").fill("type:plain")
    page.get_by_role("button", name="Filter").click()
    page.get_by_label(f"Select job {ids[0]}").check()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_contain_text("1 job was cancelled")
    assert [scene.status(id) for id in ids] == ["cancelled", "queued"]


def test_a_job_is_requeued_without_javascript(open_page: OpenPage, scene: Scene) -> None:
    id = scene.failed()
    page = open_page(f"/jobs/{id}", java_script_enabled=False)
    page.get_by_role("button", name="Requeue").click()
    expect(page.get_by_role("status")).to_contain_text("queued again")
    assert scene.status(id) == "queued"


def test_a_button_without_a_ticked_job_says_so(scene: Scene) -> None:
    answered = post(scene, "/jobs/change", "change=cancel")
    assert answered.status == 409
    assert "No job was ticked" in answered.text


@pytest.mark.parametrize(
    "path",
    [
        *("/jobs/0", "/jobs/x", "/jobs/99999999999999999999", "/jobs/123456789", "/workflows/123456789"),
        f"/jobs/{'1'.zfill(20)}{'9' * 5_000}",
    ],
    ids=lambda path: path[:30],
)
def test_what_is_not_there_is_a_page_that_says_so(scene: Scene, path: str) -> None:
    answered = scene.web.get(path)
    assert answered.status == 404
    assert "There is no such page." in answered.text


@pytest.mark.parametrize("path", ["/queues/pause", "/jobs/change", "/workers/drain", "/schedules/pause"])
def test_a_form_of_a_foreign_page_changes_nothing(scene: Scene, path: str) -> None:
    answered = post(scene, path, "queue=mail", Sec_Fetch_Site="cross-site", Origin="http://evil.example")
    assert answered.status == 403
    assert not scene.web.value("SELECT paused FROM queues WHERE queue = 'mail'")


@pytest.mark.parametrize("number", ["-1", "1.5", "٣", "2147483648", "1".zfill(12) + "9" * 5_000])
def test_a_limit_that_is_no_number_is_told(scene: Scene, number: str) -> None:
    answered = post(scene, "/queues/set", urlencode({"queue": "mail", "maxConcurrent": number}))
    assert answered.status == 422
    assert f"“{number[:40]}” is no whole number" in answered.text


def test_a_made_up_queue_gets_no_row(scene: Scene) -> None:
    assert post(scene, "/queues/pause", "queue=nobody").status == 404
    assert not scene.web.value("SELECT count(*) FROM queues WHERE queue = 'nobody'")


def test_a_redirect_leads_to_a_page_of_ours_whatever_the_form_says(scene: Scene) -> None:
    answered = post(scene, "/queues/resume", "queue=mail&from=//evil.example")
    assert answered.status == 303
    assert answered.headers["location"] == "/limits?done=resume"
    answered = post(scene, "/jobs/change", "change=cancel&id=1&q=%0d%0aX-Evil:%201")
    assert "x-evil" not in answered.headers


@pytest.mark.parametrize(
    "path", ["/static/../screen.py", "/static/%2e%2e/screen.py", "/static/..%2fscreen.py"]
)
def test_only_what_is_static_is_served(scene: Scene, path: str) -> None:
    assert scene.web.get(path).status == 404


def post(scene: Scene, path: str, form: str, **headers: Any) -> Answered:
    return scene.web.ask(
        "POST", path, form.encode(), Content_Type="application/x-www-form-urlencoded", **headers
    )
