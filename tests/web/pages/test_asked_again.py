"""A page that asks for itself again shares what others have seen; nobody's own change waits for that."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Answered
from tests.web.pages.conftest import OpenPage, Scene
from tests.web.pages.test_plain import post

NONE = '""'
CANCELLED = 'href="#i-cancelled"/></svg>Cancelled'


def again(scene: Scene, path: str, tag: str = NONE) -> Answered:
    return scene.web.get(path, If_None_Match=tag)


@pytest.mark.parametrize("path", ["/", "/jobs", "/why", "/errors", "/workers", "/limits", "/database"])
def test_each_screen_has_a_tag(scene: Scene, path: str) -> None:
    assert again(scene, path).headers["etag"]


def test_a_page_that_shows_the_same_is_not_sent_again(scene: Scene) -> None:
    tag = scene.web.get("/schedules").headers["etag"]
    unchanged = again(scene, "/schedules", f"W/{tag}")
    assert (unchanged.status, unchanged.text, unchanged.headers["etag"]) == (304, "", tag)
    assert unchanged.headers["cache-control"] == "no-store"
    assert again(scene, "/schedules").status == 200


@pytest.mark.parametrize("path", ["/jobs?q=type:gone_by_hand", "/jobs/{id}", "/workflows/{id}"])
def test_who_changes_something_sees_it_at_once(scene: Scene, path: str) -> None:
    path = path.format(id=scene.job("gone_by_hand"))
    id = scene.web.value("SELECT max(id) FROM jobs")
    before = again(scene, path)
    assert ("gone_by_hand" in before.text, CANCELLED in before.text) == (True, False)
    assert post(scene, f"/jobs/{id}/cancel", "").status == 303
    assert CANCELLED in again(scene, path, before.headers["etag"]).text
    scene.web.execute("DELETE FROM jobs WHERE type = 'gone_by_hand'")


def test_who_opens_a_list_sees_what_somebody_else_has_inserted_just_now(scene: Scene) -> None:
    path = "/jobs?q=type:just_inserted"
    again(scene, path)
    id = scene.job("just_inserted")
    assert f'href="/jobs/{id}"' in scene.web.get(path).text
    assert f'href="/jobs/{id}"' in again(scene, path).text


def test_a_job_that_is_deleted_while_others_watch_it_is_gone_for_all(scene: Scene) -> None:
    id = scene.job("watched")
    assert again(scene, f"/jobs/{id}").status == 200
    scene.web.execute("DELETE FROM jobs WHERE id = %s", id)
    assert scene.web.get(f"/jobs/{id}").status == 404
    assert again(scene, f"/jobs/{id}").status == 404


def test_the_script_asks_for_what_it_has_and_shows_what_is_new(open_page: OpenPage, scene: Scene) -> None:
    page = open_page("/schedules")
    with page.expect_response(lambda answer: answer.status == 304, timeout=30_000):
        pass
    page.wait_for_function("since => heardAt > since", arg=page.evaluate("Date.now()"), timeout=20_000)
    scene.stage("UPDATE schedules SET paused = true WHERE name = 'nightly'")
    expect(page.get_by_text("while paused")).to_be_visible()
    scene.stage("UPDATE schedules SET paused = false WHERE name = 'nightly'")
    expect(page.get_by_text("while paused")).to_be_hidden()


def test_what_waited_under_the_hand_comes_when_the_hand_is_gone(open_page: OpenPage, scene: Scene) -> None:
    page = open_page("/schedules")
    page.locator("[data-row]").first.hover()
    scene.stage("UPDATE schedules SET paused = true WHERE name = 'nightly'")
    expect(page.locator("#changes")).to_be_visible()
    page.mouse.move(1, 1)
    expect(page.get_by_text("while paused")).to_be_visible()
    scene.stage("UPDATE schedules SET paused = false WHERE name = 'nightly'")
