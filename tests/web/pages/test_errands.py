"""The main errand of each screen, by mouse and by keyboard alone."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from rig.waiting import eventually
from tests.web.pages.conftest import OpenPage, Scene

MOST_TABS = 120


def tab_to(page: Page, wanted: Locator) -> None:
    """Walk there as somebody does who has no mouse."""
    for _ in range(MOST_TABS):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} is not reached by {MOST_TABS} steps of Tab")


def switch(page: Page, name: str) -> Locator:
    return page.get_by_role("switch", name=re.compile(f": {name}$"))


def test_a_queue_is_paused_and_resumed_by_mouse(open_page: OpenPage, scene: Scene) -> None:
    page = open_page("/")
    switch(page, "mail").click()
    expect(page.get_by_role("status")).to_contain_text("The queue is paused")
    expect(switch(page, "mail")).not_to_be_checked()
    assert scene.web.value("SELECT paused FROM queues WHERE queue = 'mail'")
    switch(page, "mail").click()
    expect(switch(page, "mail")).to_be_checked()
    assert not scene.web.value("SELECT paused FROM queues WHERE queue = 'mail'")


def test_a_queue_is_paused_and_resumed_by_keyboard(open_page: OpenPage, scene: Scene) -> None:
    page = open_page("/")
    for paused in (True, False):
        tab_to(page, switch(page, "crawl"))
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert scene.web.value("SELECT paused FROM queues WHERE queue = 'crawl'") is paused


def test_now_says_first_what_is_wrong(open_page: OpenPage) -> None:
    page = open_page("/")
    expect(page.locator("h1")).to_contain_text("archive")
    expect(page.locator("h1 code").first).to_be_visible()
    rows = page.locator("#queues tbody tr")
    expect(rows.first).to_contain_text("No live worker serves it")
    expect(rows.filter(has_text="billing")).to_contain_text("Paused")


def test_failed_jobs_are_found_and_requeued_by_mouse(open_page: OpenPage, scene: Scene) -> None:
    ids = [scene.failed("by_mouse") for _ in range(3)]
    page = open_page("/jobs?q=type:by_mouse")
    page.get_by_role("navigation", name="Status").get_by_role("link", name="Failed").click()
    expect(page.locator("#jobs tbody tr")).to_have_count(3)
    expect(page.get_by_role("region", name="Chosen jobs")).to_be_hidden()
    for id in ids[:2]:
        page.get_by_label(f"Select job {id}").check()
    expect(page.locator("#chosen-number")).to_have_text("2 jobs are ticked")
    page.get_by_role("button", name="Requeue").click()
    expect(page.get_by_role("status")).to_contain_text("2 jobs were queued again")
    assert [scene.status(id) for id in ids] == ["queued", "queued", "failed"]


def test_failed_jobs_are_found_and_requeued_by_keyboard(open_page: OpenPage, scene: Scene) -> None:
    ids = [scene.failed("by keys") for _ in range(2)]
    page = open_page("/")
    page.keyboard.press("g")
    with page.expect_navigation():
        page.keyboard.press("j")
    page.keyboard.press("/")
    page.keyboard.type('type:"by keys" status:failed')
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("#jobs tbody tr")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    with page.expect_navigation():
        page.keyboard.press("r")
    assert [scene.status(id) for id in ids] == ["queued", "failed"]


def test_all_that_fit_are_requeued_after_a_while_in_which_it_can_be_taken_back(
    open_page: OpenPage, scene: Scene
) -> None:
    ids = [scene.failed("by_bulk") for _ in range(3)]
    page = open_page("/jobs?q=type:by_bulk status:failed")
    page.get_by_role("link", name="Requeue all that fit").click()
    expect(page.locator("h1")).to_have_text("Requeue 3 jobs?")
    late = scene.failed("by_bulk")
    page.get_by_role("button", name="Requeue 3").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_contain_text("Taken back: 0 jobs")
    page.goto("/bulk?change=requeue&q=type:by_bulk")
    page.get_by_role("button", name="Requeue 4").click()
    expect(page.locator("h1")).to_contain_text("Done: 4 jobs", timeout=30_000)
    assert {scene.status(id) for id in (*ids, late)} == {"queued"}


def test_a_text_in_payloads_is_searched_for_by_mouse_and_by_keyboard(
    open_page: OpenPage, scene: Scene
) -> None:
    scene.job("texted", payload={"city": "Oslo"})
    wanted = scene.job("texted", payload={"city": "København"})
    page = open_page("/jobs")
    page.get_by_label("Filter jobs").fill('type:texted since:1h "københavn"')
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#jobs tbody th a")).to_have_text([str(wanted)])
    expect(page.locator(".told")).to_contain_text("Newest first")
    page.keyboard.press("/")
    page.keyboard.type('"oslo" since:2000-01-01')
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("#jobs tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Queued").click()
    expect(page.locator("#filter")).to_have_value('status:queued since:2000-01-01T00:00:00Z "oslo"')
    assert page.locator("body").get_attribute("data-again") == "0"


def test_a_word_that_nobody_understands_is_named(open_page: OpenPage) -> None:
    page = open_page("/jobs?q=status:broken")
    expect(page.locator("#filter-says")).to_contain_text("'broken' is no status")
    expect(page.locator("#filter")).to_have_value("status:broken")
    expect(page.locator("#filter")).to_have_attribute("aria-invalid", "true")


def test_pages_of_jobs_follow_each_other_without_gap_or_overlap(open_page: OpenPage, scene: Scene) -> None:
    ids = [scene.job("paged") for _ in range(120)]
    page = open_page("/jobs?q=type:paged")
    seen: list[int] = []
    for _ in range(3):
        seen += map(int, page.locator("#jobs tbody th a").all_text_contents())
        if len(seen) < len(ids):
            with page.expect_navigation():
                page.locator("#older").click()
    assert seen == sorted(ids, reverse=True)


def test_a_job_is_cancelled_and_requeued_by_mouse(open_page: OpenPage, scene: Scene) -> None:
    id = scene.job()
    page = open_page(f"/jobs/{id}")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_contain_text("The job is cancelled")
    assert scene.status(id) == "cancelled"
    page.get_by_role("button", name="Requeue").click()
    expect(page.get_by_role("status")).to_contain_text("queued again")
    assert scene.status(id) == "queued"


def test_a_job_is_cancelled_and_requeued_by_keyboard(open_page: OpenPage, scene: Scene) -> None:
    id = scene.job()
    page = open_page(f"/jobs/{id}")
    for key, status in (("c", "cancelled"), ("r", "queued")):
        with page.expect_navigation():
            page.keyboard.press(key)
        assert scene.status(id) == status


def test_a_job_tells_why_what_it_said_and_what_went_wrong(open_page: OpenPage, scene: Scene) -> None:
    id = scene.failed("telling", "no chart named waterfall", payload={"account": 4711}, uniqueKey="pack-1")
    scene.stage(
        'INSERT INTO job_logs ("jobId", lines, attempt, text) VALUES (%s, 1, 3, %s)',
        id,
        "Drew page 9 of 24\n",
    )
    page = open_page(f"/jobs/{id}")
    expect(page.locator("#reason")).to_contain_text("no chart named waterfall")
    expect(page.locator("#log-tail")).to_contain_text("Drew page 9 of 24")
    expect(page.locator("pre", has_text="Traceback")).to_be_visible()
    expect(page.locator("#facts")).to_contain_text("pack-1")
    expect(page.get_by_text("4711")).to_be_visible()
    expect(page.locator("#bars")).to_contain_text("Attempt 3")


def test_why_leads_to_what_frees_a_crowd_by_mouse(open_page: OpenPage, scene: Scene) -> None:
    page = open_page("/why")
    crowd = page.locator("#reason-queue-paused")
    expect(crowd).to_contain_text("The queue is paused")
    crowd.get_by_role("button", name="Resume billing").click()
    expect(page.locator("#reason-queue-paused")).to_have_count(0)
    assert not scene.web.value("SELECT paused FROM queues WHERE queue = 'billing'")
    scene.web.execute("UPDATE queues SET paused = true WHERE queue = 'billing'")


def test_why_of_one_job_is_asked_by_keyboard(open_page: OpenPage, scene: Scene) -> None:
    id = scene.job("transcribe", queue="archive")
    page = open_page("/why")
    tab_to(page, page.get_by_label("Why does job"))
    page.keyboard.type(str(id))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("#reason")).to_contain_text("archive")


def test_a_limit_is_raised_for_two_hours_by_mouse(open_page: OpenPage, scene: Scene) -> None:
    page = open_page("/limits")
    page.get_by_role("link", name="Edit crawl").click()
    page.get_by_label("At once", exact=True).fill("5")
    page.get_by_label("For how long").select_option("for 2 hours")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("The limit is saved")
    assert scene.web.value("SELECT \"maxConcurrent\" FROM queues WHERE queue = 'crawl'") == 5
    assert scene.web.value("SELECT until - now() < '121 min' FROM queues WHERE queue = 'crawl'")


def test_a_limit_is_taken_away_by_keyboard_and_nonsense_is_refused(open_page: OpenPage, scene: Scene) -> None:
    scene.job("thumbnail", queue="media")
    page = open_page("/limits?queue=media")
    expect(page.get_by_label("At once", exact=True)).to_be_focused()
    for typed, stored in (("7", 7), ("", None)):
        page.goto("/limits?queue=media")
        page.keyboard.press("Control+A")
        page.keyboard.type(typed) if typed else page.keyboard.press("Delete")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert scene.web.value("SELECT \"maxConcurrent\" FROM queues WHERE queue = 'media'") == stored
    page.goto("/limits?queue=media")
    page.get_by_label("At once", exact=True).evaluate(
        "input => { input.pattern = '.*'; input.value = '-1'; }"
    )
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".edit-part .wrong")).to_contain_text("“-1” is no whole number")


def test_a_worker_drains_and_goes_on_by_mouse(open_page: OpenPage, scene: Scene) -> None:
    id = scene.worker("mouse-1")
    page = open_page("/workers")
    page.get_by_role("button", name="Drain mouse-1").click()
    expect(page.get_by_role("status")).to_contain_text("finishes its jobs")
    assert scene.web.value("SELECT asked FROM workers WHERE id = %s", id) == "drain"
    page.get_by_role("button", name="Go on mouse-1").click()
    expect(page.get_by_role("status")).to_contain_text("takes jobs again")
    scene.web.execute("DELETE FROM workers WHERE id = %s", id)


def test_a_worker_is_terminated_by_keyboard(open_page: OpenPage, scene: Scene) -> None:
    id = scene.worker("keys-1")
    page = open_page("/workers")
    tab_to(page, page.get_by_role("button", name="Terminate keys-1"))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert scene.web.value("SELECT asked FROM workers WHERE id = %s", id) == "terminate"
    scene.web.execute("DELETE FROM workers WHERE id = %s", id)


def test_a_schedule_is_run_now_by_mouse_and_paused_by_keyboard(open_page: OpenPage, scene: Scene) -> None:
    page = open_page("/schedules")
    page.get_by_role("button", name="Run now nightly").click()
    expect(page.locator("h1")).to_have_text("crawl_page")
    page.wait_for_load_state()  # keys are heard when the script is there
    page.keyboard.press("g")
    with page.expect_navigation():
        page.keyboard.press("s")
    tab_to(page, switch(page, "nightly"))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert scene.web.value("SELECT paused FROM schedules WHERE name = 'nightly'")
    switch(page, "nightly").click()
    expect(switch(page, "nightly")).to_be_checked()


def test_a_schedule_shows_when_it_fires_there_and_in_utc(open_page: OpenPage) -> None:
    page = open_page("/schedules")
    page.get_by_role("link", name="nightly").click()
    fires = page.locator("table.fires tbody tr")
    expect(fires).to_have_count(10)
    expect(fires.nth(1)).to_contain_text(re.compile(r"02:30:00 E[SD]T.*0[67]:30:00"))


def test_an_error_leads_to_its_last_job_by_mouse_and_keyboard(open_page: OpenPage, scene: Scene) -> None:
    scene.failed("erring", "HTTP 500 after 17 ms")
    last = scene.failed("erring", "HTTP 500 after 18 ms")
    for by_mouse in (True, False):
        page = open_page("/errors")
        row = page.locator("#errors tbody tr", has_text="erring")
        expect(row).to_have_count(1)
        link = row.get_by_role("link", name="Open the last")
        if by_mouse:
            link.click()
        else:
            tab_to(page, link)
            page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"/jobs/{last}$"))


def test_the_failed_part_of_a_workflow_is_requeued(open_page: OpenPage, scene: Scene) -> None:
    root = scene.job("import_rows", status="completed", finishedAt="now()", startedAt="now()")
    failed = scene.failed("report", "no chart", parentId=root)
    done = scene.job("report", status="completed", finishedAt="now()", startedAt="now()", parentId=root)
    page = open_page(f"/workflows/{failed}")
    expect(page.locator("#tree tbody tr")).to_have_count(3)
    expect(page.get_by_text("no chart")).to_be_visible()
    page.get_by_role("button", name="Requeue the failed part").click()
    expect(page.get_by_role("status")).to_contain_text("1 job was queued again")
    assert [scene.status(id) for id in (root, failed, done)] == ["completed", "queued", "completed"]


def test_a_page_stays_young_by_itself(open_page: OpenPage, scene: Scene) -> None:
    id = scene.job()
    page = open_page(f"/jobs/{id}")
    expect(page.locator("#head")).to_contain_text("Queued")
    scene.stage("""UPDATE jobs SET status = 'completed', "finishedAt" = now() WHERE id = %s""", id)
    expect(page.locator("#head")).to_contain_text("Completed")


def test_nothing_moves_while_updates_are_paused(open_page: OpenPage, scene: Scene) -> None:
    id = scene.job()
    page = open_page(f"/jobs/{id}")
    page.clock.install()
    page.reload()
    page.keyboard.press("p")
    expect(page.locator("#live-words")).to_have_text("Paused")
    scene.stage("""UPDATE jobs SET status = 'completed', "finishedAt" = now() WHERE id = %s""", id)
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(60_000)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert asked == []
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(page.locator("#head")).to_contain_text("Completed")


def test_changes_wait_while_a_row_is_ticked(open_page: OpenPage, scene: Scene) -> None:
    id = scene.job("ticked")
    page = open_page("/jobs?q=type:ticked")
    page.get_by_label(f"Select job {id}").check()
    scene.job("ticked")
    expect(page.get_by_role("button", name="Changes")).to_be_visible()
    expect(page.locator("#jobs tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Changes").click()
    expect(page.locator("#jobs tbody tr")).to_have_count(2)


def test_the_theme_is_kept(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_label("Dark").check()
    page.reload()
    expect(page.get_by_label("Dark")).to_be_checked()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    eventually(lambda: page.evaluate("getComputedStyle(document.body).colorScheme") in ("dark", "normal"))
