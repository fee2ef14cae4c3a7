"""What a producer writes is text on every screen: types, keys, payloads, errors, logs, progress, names."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from tests.web.pages.conftest import OpenPage, Scene

HOSTILE = (
    "</title></script><script>window.caught = 1</script><p data-caught>",
    """<img src=x onerror="window.caught = 1" data-caught>'"`{{7*7}}""",
    """" autofocus onfocus="window.caught = 1" data-caught x=\"""",
    """' onmouseover='window.caught = 1' data-caught=' <svg/onload=window.caught=1 data-caught>""",
)


def caught(page: Page) -> bool:
    return bool(page.evaluate("window.caught === 1 || document.querySelector('[data-caught]') !== null"))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_producer_writes_stays_text(open_page: OpenPage, scene: Scene, text: str) -> None:
    columns = {"uniqueKey": text[:250], "concurrencyKey": text[:250], "payload": {text: [text]}}
    queued = scene.job(text[:200], **columns)
    running = scene.job(
        text[:200],
        **{**columns, "uniqueKey": None},
        status="processing",
        startedAt="now()",
        progress={"current": 1, "total": 2, "message": text},
        checkpoint={text: text},
    )
    failed = scene.failed(
        text[:200], text, **{**columns, "uniqueKey": None, "result": {text: text}, "parentId": queued}
    )
    scene.stage('INSERT INTO job_logs ("jobId", lines, attempt, text) VALUES (%s, 1, 3, %s)', failed, text)
    worker = scene.worker(text)
    scene.stage(
        "INSERT INTO schedules (name, type, payload, cron, problem) VALUES (%s, %s, '{}', '0 2 * * *', %s)",
        text,
        text[:200],
        text,
    )
    page = open_page("/livez")
    for path in (
        *(
            "/",
            "/jobs",
            f"/jobs/{queued}",
            f"/jobs/{running}",
            f"/jobs/{failed}",
            "/why",
            "/errors",
            "/workers",
        ),
        *("/schedules", "/limits", f"/workflows/{queued}"),
    ):
        page.goto(path)
        assert page.locator("h1").count() == 1, path
        assert not caught(page), path
        assert page.evaluate("window.violations") == [], path
    page.goto(f"/jobs/{failed}")
    assert text in (page.locator("#attempts-part").text_content() or "")
    scene.web.execute("DELETE FROM workers WHERE id = %s", worker)
    scene.web.execute("DELETE FROM schedules WHERE name = %s", text)


def test_what_an_address_says_stays_text(open_page: OpenPage) -> None:
    page = open_page("/livez")
    for text in HOSTILE:
        for path in (
            "/jobs?q=",
            "/jobs?q=%22",
            "/why?job=",
            "/limits?queue=",
            "/schedules?name=",
            "/?done=",
            "/jobs/",
        ):
            page.goto(path + quote(text, safe=""))
            assert not caught(page), path
