"""Columns of the list of jobs are chosen, also by keyboard and without JavaScript; the address has them."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.web.pages.conftest import OpenPage, Scene
from tests.web.pages.test_errands import tab_to

USUAL = ["Job", "Created", "Type", "Status", "Attempt", "Queue", "Key", "Ran", "Progress or error"]
CHOSEN = ["Job", "Type", "Priority", "Worker", "Parent"]
WANTED = "column=type&column=priority&column=worker&column=parent"


def titles(page: Page) -> list[str]:
    return page.locator("#jobs thead th").all_inner_texts()[1:]


def asked(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query)


def choose(page: Page, *names: str) -> None:
    page.locator(".choose summary").click()
    boxes = page.locator(".choose input")
    for place in range(boxes.count()):
        boxes.nth(place).set_checked(boxes.nth(place).get_attribute("value") in names)
    page.get_by_role("button", name="Show these").click()
    page.wait_for_url(re.compile("column="))


def test_columns_are_chosen_without_javascript_and_keep_the_filter(open_page: OpenPage, scene: Scene) -> None:
    parent = scene.job("columned", priority=7)
    scene.job("columned", parentId=parent, uniqueKey="columned-1")
    page = open_page("/jobs?q=type:columned", java_script_enabled=False)
    assert titles(page) == USUAL
    choose(page, "type", "priority", "worker", "parent")
    assert titles(page) == CHOSEN
    assert asked(page.url) == {"q": ["type:columned"], "column": ["type", "priority", "worker", "parent"]}
    first, second = page.locator("#jobs tbody tr").all()
    assert second.locator("td").all_inner_texts()[1:3] == ["columned", "7"]
    expect(first.get_by_role("link", name=str(parent))).to_have_attribute("href", f"/jobs/{parent}")
    page.locator(".choose summary").click()
    page.get_by_role("link", name="The usual ones").click()
    assert (titles(page), asked(page.url)) == (USUAL, {"q": ["type:columned"]})


def test_columns_are_chosen_by_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page("/jobs?q=queue:crawl")
    tab_to(page, page.locator(".choose summary"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Worker"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Show these"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("column=worker"))
    assert titles(page) == [*USUAL[:-1], "Worker", USUAL[-1]]


def test_every_way_on_from_a_list_keeps_its_columns(open_page: OpenPage, scene: Scene) -> None:
    for _ in range(51):
        scene.job("kept")
    page = open_page(f"/jobs?q=type:kept&{WANTED}")
    page.locator("#filter").fill("type:kept queue:crawl")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url(re.compile("queue"))
    assert titles(page) == CHOSEN
    for link in ("Queued", "Older", "Newest"):
        with page.expect_navigation(wait_until="domcontentloaded"):
            page.get_by_role("link", name=re.compile(f"^{link}")).click()
        assert titles(page) == CHOSEN, link
    page.get_by_role("checkbox", name="Select job").first.check()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_contain_text("1 job was cancelled")
    assert titles(page) == CHOSEN


def test_unknown_columns_are_no_columns_and_what_producers_wrote_stays_text(scene: Scene) -> None:
    scene.job("<b>bold</b>", uniqueKey="<u>key</u>")
    every = "&".join(f"column={name}" for name in ("type", "queue", "key", "due", "started", "finished"))
    page = scene.web.get(f'/jobs?{every}&column=<script>&column=type"onx="').text
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert not re.search(r"<[bu]>(bold|key)|<script>|onx", page)
    assert '<th scope="col">Created</th>' in scene.web.get("/jobs?column=nothing").text


def test_a_narrow_window_shows_what_was_chosen_with_its_name(open_page: OpenPage, scene: Scene) -> None:
    scene.job("narrow", priority=3)
    page = open_page(
        "/jobs?q=type:narrow&column=type&column=queue&column=priority",
        viewport={"width": 390, "height": 844},
    )
    expect(page.locator("#jobs td", has_text="crawl")).to_be_visible()
    label = page.locator("#jobs td.num").evaluate("cell => getComputedStyle(cell, '::before').content")
    assert label == '"Priority"'
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] == width[1]
    page.locator(".choose summary").click()
    box = page.locator(".choose fieldset").bounding_box()
    assert box is not None
    assert (box["x"] >= 0, box["x"] + box["width"] <= 390) == (True, True)
