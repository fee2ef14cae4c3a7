"""A workflow as it is drawn: boxes and bars with their places, in words as well, also without a script."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import expect

from rowcrew.admin.tree import PlacedJob
from rowcrew.model.tree import Edges, places
from rowcrew.table.rows import TreeAttempt, TreeJob
from rowcrew.web.pages.gantt import gantt
from rowcrew.web.pages.graph import BOX_WIDTH, graph
from rowcrew.web.pages.job import nested
from tests.web.pages.conftest import OpenPage, Scene

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def tree_job(id: int, parent: int | None = None, waits_for: tuple[int, ...] = (), **other: Any) -> TreeJob:
    values: dict[str, Any] = {
        "type": "report",
        "queue": "reports",
        "status": "completed",
        "attempts": 1,
        "max_attempts": 3,
        "error_message": None,
        "wait_policy": None,
        "waits": False,
        "run_seconds": 3.0,
        "created_at": NOON,
        "started_at": at(10),
        "finished_at": at(13),
    }
    return TreeJob(id=id, parent_id=parent, waits_for=list(waits_for), **values | other)


def family(*jobs: TreeJob) -> list[PlacedJob]:
    edges = [Edges(job.id, job.parent_id, job.waits_for) for job in jobs]
    known = {job.id: job for job in jobs}
    return [PlacedJob(place, known[place.id]) for place in places(jobs[0].id, edges)]


def test_boxes_stand_apart_and_lines_lead_from_edge_to_edge() -> None:
    drawn = graph(family(tree_job(1), tree_job(2, 1), tree_job(3, 1), tree_job(4, 1, (2, 3))))
    assert drawn is not None
    corners = [(box.x, box.y) for box in drawn.boxes]
    assert len(set(corners)) == 4
    assert all(x + BOX_WIDTH <= drawn.width for x, _ in corners)
    assert len(drawn.lines) == 4
    assert drawn.lines[0].path.startswith(f"M{corners[0][0] + BOX_WIDTH} ")


def test_a_single_job_has_no_graph() -> None:
    assert graph(family(tree_job(1))) is None


def test_a_long_name_is_cut_in_its_box_and_whole_in_its_title() -> None:
    name = "x" * 200
    drawn = graph(family(tree_job(1), tree_job(2, 1, type=name)))
    assert drawn is not None
    assert len(drawn.boxes[1].name) < 30
    assert name in drawn.boxes[1].title


def test_a_crowd_tells_how_its_jobs_stand_and_leads_to_the_one_that_failed() -> None:
    children = [tree_job(id, 1, type="file") for id in range(2, 80)]
    failed = tree_job(80, 1, type="file", status="failed")
    drawn = graph(family(tree_job(1), *children, failed))
    assert drawn is not None
    assert drawn.is_folded
    crowd = drawn.boxes[1]
    assert (crowd.id, crowd.tone) == (80, "bad")
    assert crowd.says == "1 failed, 78 completed"


def test_each_attempt_has_its_bar_between_what_it_waited() -> None:
    job = tree_job(1, status="processing", attempts=2, started_at=at(60), finished_at=None)
    lost = TreeAttempt(1, 1, "lost", at(10), at(20))
    lanes = gantt(family(job), [lost], at(100)).lanes[1]
    assert [bar.look for bar in lanes] == ["wait", "dead", "wait", "run"]
    ends = [round(bar.x + bar.width, 1) for bar in lanes]
    assert ends == [round(bar.x, 1) for bar in lanes[1:]] + [round(100 / 1.04, 1)]


def test_the_axis_ends_with_the_last_job_when_nothing_is_open() -> None:
    drawn = gantt(family(tree_job(1), tree_job(2, 1, finished_at=at(40))), [], at(9_000))
    assert drawn.now is None
    assert drawn.lanes[2][-1].x > 20


def test_the_family_is_a_list_of_lists() -> None:
    (first,) = nested(family(tree_job(1), tree_job(2, 1), tree_job(3, 2), tree_job(4, 1)))
    assert [kin.job.id for kin in first.below] == [2, 4]
    assert [kin.job.id for kin in first.below[0].below] == [3]


def test_a_workflow_is_drawn_and_led_through_without_javascript(open_page: OpenPage, scene: Scene) -> None:
    root = scene.job("batch_of_files", status="completed", startedAt="now()", finishedAt="now()")
    child = scene.job("one_file", parentId=root)
    last = scene.job("mail_at_end", parentId=root, waitsFor=[child])
    page = open_page(f"/jobs/{child}", java_script_enabled=False)
    expect(page.locator("#drawn a")).to_have_count(3)
    expect(page.locator("#kin ul ul li")).to_have_count(2)
    page.get_by_role("link", name="When each ran").click()
    expect(page.locator("#tree tbody tr")).to_have_count(3)
    expect(page.locator("#tree tbody tr").nth(2)).to_contain_text(f"for {child}")
    page.locator("#drawn a", has_text="mail_at_end").click()
    expect(page).to_have_url(re.compile(f"/jobs/{last}$"))


def test_a_workflow_says_where_nobody_looked_for_its_jobs(open_page: OpenPage, scene: Scene) -> None:
    root = scene.job("of_long_ago", status="completed", startedAt="now()", finishedAt="now()")
    lede = open_page(f"/workflows/{root}").locator(".lede")
    expect(lede).not_to_contain_text("jobs tree")
    scene.web.execute("SELECT setval('jobs_id_seq', %s)", root + 100_000)
    scene.job("of_today", parentId=root)
    expect(open_page(f"/workflows/{root}").locator(".lede")).to_contain_text(f"rowcrew jobs tree {root}")


def test_the_page_of_a_job_calls_no_workflow_whole_of_which_it_may_not_know_all(
    open_page: OpenPage, scene: Scene
) -> None:
    root = scene.job("of_a_year_ago", status="completed", startedAt="now()", finishedAt="now()")
    scene.job("beside_it", parentId=root)
    link = open_page(f"/jobs/{root}").locator("#kin p a")
    expect(link).to_have_text("The whole workflow")
    scene.web.execute("SELECT setval('jobs_id_seq', %s)", root + 100_002)
    scene.job("of_now")
    expect(open_page(f"/jobs/{root}").locator("#kin p a")).to_have_text("The workflow")


def test_a_box_of_the_graph_is_opened_by_keyboard(open_page: OpenPage, scene: Scene) -> None:
    root = scene.job("by_keyboard", status="completed", startedAt="now()", finishedAt="now()")
    child = scene.job("opened", parentId=root)
    page = open_page(f"/workflows/{root}")
    page.locator("#drawn .scroll").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/jobs/{child}$"))


def test_how_far_a_batch_is_is_told_by_its_job(open_page: OpenPage, scene: Scene) -> None:
    root = scene.job("batch", status="completed", startedAt="now()", finishedAt="now()")
    for _ in range(2):
        scene.job("part", status="completed", startedAt="now()", finishedAt="now()", parentId=root)
    scene.failed("part", parentId=root)
    scene.job("part", parentId=root)
    page = open_page(f"/jobs/{root}")
    expect(page.locator("#batch")).to_contain_text("3 of 4 children have ended, 1 of them failed")
    expect(page.locator("#batch progress")).to_have_js_property("value", 0.75)
