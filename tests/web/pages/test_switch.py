"""The switch between databases and the page above them: by mouse, by keyboard and without a script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from rig.databases import new_database
from rig.programs import program
from rowcrew.embedded import EmbeddedPostgres
from tests.web.conftest import Web, serving
from tests.web.pages.conftest import VIOLATIONS
from tests.web.pages.test_looks import RUN_AXE


@pytest.fixture(scope="module")
def address(server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    with (
        new_database(server, "sales", template=migrated_template) as sales,
        new_database(server, "stock", template=migrated_template) as stock,
        psycopg.connect(server.url_of(stock), autocommit=True) as connection,
    ):
        connection.execute("INSERT INTO jobs (type, queue) VALUES ('count_boxes', 'boxes')")
        urls = f"sales={server.url_of(sales)} stock={server.url_of(stock)}"
        with program(*serving(), DATABASE_URLS=urls) as served:
            web = Web(served, server.url_of(stock), connection)
            yield f"http://127.0.0.1:{web.port}"


@pytest.fixture(params=[True, False], ids=["scripted", "plain"])
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address, java_script_enabled=request.param)
    context.add_init_script(VIOLATIONS)
    page = context.new_page()
    yield page
    if request.param:
        assert page.evaluate("window.violations") == []
    context.close()


def test_the_switch_keeps_the_screen_and_is_worked_by_keyboard_alone(page: Page) -> None:
    page.goto("/db/sales/jobs")
    summary = page.locator("details.databases > summary")
    expect(summary).to_contain_text("sales")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # All databases
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url("/db/stock/jobs")
    expect(page.get_by_role("cell", name="count_boxes")).to_be_visible()


def test_the_page_above_shows_each_database_and_leads_to_it(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("stock is behind; every database answers.")
    expect(page.get_by_role("row")).to_have_count(3)
    expect(page.get_by_role("row").nth(1)).to_contain_text("stock")
    page.get_by_role("rowheader").get_by_role("link", name="stock").click()
    expect(page).to_have_url("/db/stock/")
    expect(page.get_by_role("rowheader", name="boxes")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_database_is_named_and_its_switch_opens_at_every_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.goto("/db/sales/")
    summary = page.locator("details.databases > summary")
    expect(summary.get_by_text("sales", exact=True)).to_be_visible()
    summary.click()
    expect(page.get_by_role("navigation", name="Databases").get_by_role("link")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_keys_lead_to_the_page_above_and_never_to_a_screen_that_is_not_there(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(base_url=address)
    page = context.new_page()
    page.goto("/db/stock/")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page).to_have_url("/")
    page.wait_for_load_state()  # the address changes before the script hears keys
    page.keyboard.press("/")
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page).to_have_url("/")
    context.close()


@pytest.mark.parametrize("path", ["/", "/db/stock/"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_switch_and_the_page_above(
    browser: Browser, address: str, path: str, theme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(base_url=address, color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    page.goto(path)
    page.locator("details.databases > summary").click()
    found = page.evaluate(RUN_AXE)["violations"]
    context.close()
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
