"""What every screen keeps: nothing serious for axe, no width too large, words when all goes wrong."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import axe_playwright_python
import pytest
from playwright.sync_api import expect

from rig.databases import new_database
from rig.programs import program
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.web.login import LOCAL
from rowcrew.web.pages.screen import environment
from tests.web.conftest import Web, serving
from tests.web.pages.conftest import OpenPage, Scene

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
TOO_WIDE = """
Array.from(document.querySelectorAll("main *"))
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
  .map((element) => element.outerHTML.slice(0, 120)).slice(0, 8)
"""
RUN_AXE = f"(() => {{ {AXE}; return axe.run({{ resultTypes: ['violations'] }}); }})()"
SCREENS = (
    "/",
    "/jobs",
    "/jobs/{failed}",
    "/jobs/{queued}",
    "/jobs/{failed}/edit",
    "/why",
    "/errors",
    "/workers",
    "/schedules?name=nightly",
    "/limits?queue=crawl",
    "/database",
    "/workflows/{failed}",
    "/jobs/0",
    "/jobs?q=status:no",
)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page: OpenPage, scene: Scene, theme: str) -> None:
    ids = {"failed": scene.failed(), "queued": scene.job(payload={"url": "https://shop.example"})}
    page = open_page("/livez", color_scheme=theme)
    found = {}
    for path in SCREENS:
        page.goto(path.format(**ids))
        findings = page.evaluate(RUN_AXE)["violations"]
        found[path] = [
            (one["id"], [node["html"] for node in one["nodes"]][:3])
            for one in findings
            if one["impact"] in ("serious", "critical")
        ]
    assert not any(found.values()), found


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_no_screen_is_wider_than_its_window(open_page: OpenPage, scene: Scene, width: int) -> None:
    long = f"{width}{'w' * 190}"
    root = scene.job(long, uniqueKey=long, concurrencyKey=long, payload={"long": 9 * long})
    ids = {"failed": scene.failed(long, 2 * long, parentId=root), "queued": root}
    scene.job(long, queue=f"{width}{'q' * 50}")
    scene.worker(long)
    refused = f"cron '61 * * * *': {'bad minute; ' * 9}{long}"
    scene.stage(
        "INSERT INTO schedules (name, type, cron, problem) VALUES (%s, 'report', '61 * * * *', %s)",
        long,
        refused,
    )
    page = open_page("/", viewport={"width": width, "height": 844})
    for path in SCREENS:
        page.goto(path.format(**ids))
        if page.evaluate("document.documentElement.scrollWidth") > width:
            raise AssertionError(f"{path}: {page.evaluate(TOO_WIDE)}")


def test_the_menu_of_a_narrow_window_opens_and_leads_on(open_page: OpenPage) -> None:
    page = open_page("/", viewport={"width": 390, "height": 844})
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Workers", exact=True).click()
    expect(page).to_have_url(re.compile("/workers$"))


def test_a_database_that_is_away_is_said_on_every_screen() -> None:
    nowhere = "postgresql://postgres:secret@127.0.0.1:1/nowhere"
    with program(*serving(), DATABASE_URL=nowhere) as served:
        web = Web(served, nowhere, None)  # type: ignore[arg-type]
        pages = ("/", "/jobs", "/jobs/1", "/why", "/errors", "/workers", "/schedules", "/limits", "/database")
        for path in pages:
            answered = web.get(path, Accept="text/html")
            assert answered.status == 503, path
            assert "Rowcrew cannot reach the database." in answered.text
            assert "rowcrew doctor" in answered.text
            assert "secret" not in answered.text


def test_a_database_without_tables_is_not_called_away(server: EmbeddedPostgres) -> None:
    with (
        new_database(server, "bare") as name,
        program(*serving(), DATABASE_URL=server.url_of(name)) as served,
    ):
        web = Web(served, server.url_of(name), None)  # type: ignore[arg-type]
        answered = web.get("/", Accept="text/html")
        assert answered.status == 503
        assert "The tables are not there." in answered.text
        assert re.search(r"<[^>]*>rowcrew migrate<", answered.text)


def test_values_that_are_old_say_how_old() -> None:
    parts = (
        environment()
        .get_template("_parts.html")
        .make_module({"here": "/", "root": "", "user": LOCAL})
        .__dict__
    )
    late = SimpleNamespace(is_late=True, age_seconds=42.0, problem="the database did not answer in time")
    assert "42 s old" in parts["live"](late)
    told = parts["late"](late)
    assert "The database answers late." in told
    assert "did not answer in time" in told
    assert parts["late"](SimpleNamespace(is_late=False)).strip() == ""
