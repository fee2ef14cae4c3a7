"""Changes of many jobs: counted, taken back, carried out on the frozen set alone."""

from __future__ import annotations

import asyncio
from typing import Any

from rig.waiting import eventually
from rowcrew.table.looks import Search
from rowcrew.web.bulk import MOST_KEPT, Bulks
from rowcrew.web.links import Links
from tests.web.conftest import Web


def fill(web: Web, type: str, jobs: int) -> None:
    web.execute("INSERT INTO jobs (type) SELECT %s FROM generate_series(1, %s)", type, jobs)
    web.execute("UPDATE jobs SET status = 'failed' WHERE type = %s", type)


def over(web: Web, id: str) -> dict[str, Any]:
    def ended() -> dict[str, Any]:
        shown: dict[str, Any] = web.get(f"/api/v1/bulk/{id}").json
        return shown if shown["state"] not in ("waiting", "running") else {}

    return eventually(ended)


def test_five_thousand_jobs_are_counted_and_requeued_and_later_ones_are_left_alone(web: Web) -> None:
    fill(web, "many", 5_000)
    counted = web.get("/api/v1/bulk/count?change=requeue&q=type:many").json
    assert (counted["jobs"], counted["more"]) == (5_000, False)
    fill(web, "many", 1)
    web.execute("UPDATE jobs SET status = 'failed' WHERE type = 'many' AND id <= %s", counted["toId"])
    begun = web.post(
        "/api/v1/bulk",
        {"change": "requeue", "q": "type:many", "toId": counted["toId"], "delaySeconds": 0},
    )
    assert begun.status == 202
    ended = over(web, begun.json["id"])
    assert (ended["state"], ended["changed"]) == ("done", 5_000)
    assert web.value("SELECT count(*) FROM jobs WHERE type = 'many' AND status = 'failed'") == 1


def test_a_bulk_change_is_taken_back_before_it_begins(web: Web) -> None:
    fill(web, "undone", 3)
    to_id = web.get("/api/v1/bulk/count?change=requeue&q=type:undone").json["toId"]
    begun = web.post("/api/v1/bulk", {"change": "requeue", "q": "type:undone", "toId": to_id}).json
    assert begun["state"] == "waiting"
    assert web.post(f"/api/v1/bulk/{begun['id']}/stop").json["state"] == "stopped"
    assert over(web, begun["id"])["changed"] == 0
    assert web.value("SELECT count(*) FROM jobs WHERE type = 'undone' AND status = 'failed'") == 3


def test_its_event_says_which_jobs_were_meant_but_no_text_of_their_payloads(web: Web) -> None:
    wanted = {"change": "cancel", "q": 'type:audited status:queued "card 4711"', "toId": 7}
    begun = web.post("/api/v1/bulk", wanted).json
    web.post(f"/api/v1/bulk/{begun['id']}/stop")
    detail = web.value("SELECT detail FROM events WHERE kind = 'web.begin_bulk' ORDER BY id DESC LIMIT 1")
    assert (detail["actor"], detail["bulk"], detail["change"], detail["toId"]) == (
        "local",
        begun["id"],
        "cancel",
        7,
    )
    assert (sorted(detail["q"].split()), detail["texts"]) == (["status:queued", "type:audited"], 1)


def test_a_bulk_change_of_everything_or_of_nothing_is_refused(web: Web) -> None:
    for q in ("", "type:a+status:queued"):
        answered = web.get(f"/api/v1/bulk/count?change=requeue&q={q}")
        assert (answered.status, answered.json["field"]) == (422, "q")
    assert web.get("/api/v1/bulk/none").status == 404


def test_so_many_bulk_changes_are_under_way_and_no_more(web: Web) -> None:
    wanted = {"change": "requeue", "q": "type:none", "toId": 1, "delaySeconds": 60}
    begun = [web.post("/api/v1/bulk", wanted) for _ in range(5)]
    try:
        assert [one.status for one in begun] == [202] * 4 + [429]
    finally:
        for one in begun[:4]:
            web.post(f"/api/v1/bulk/{one.json['id']}/stop")


def test_what_is_under_way_can_be_stopped_however_many_began_later() -> None:
    async def begin_many() -> None:
        links = Links("", purpose="nobody", most=1, only_looks=True)
        bulks = Bulks(looking=links, changing=links)
        search = Search(types=("none",))
        first = bulks.begin("cancel", search, to_id=1, delay_seconds=3_600)
        for _ in range(2 * MOST_KEPT):
            bulks.take_back(bulks.begin("cancel", search, to_id=1, delay_seconds=3_600).id)
        assert bulks.take_back(first.id) is not None
        assert len(bulks.all()) == MOST_KEPT

    asyncio.run(begin_many())


def edited(web: Web, type: str, **edit: Any) -> dict[str, Any]:
    to_id = web.get(f"/api/v1/bulk/count?change=edit&q=type:{type}").json["toId"]
    wanted = {"change": "edit", "q": f"type:{type}", "toId": to_id, "delaySeconds": 0, **edit}
    begun = web.post("/api/v1/bulk", wanted)
    assert begun.status == 202, begun.text
    return over(web, begun.json["id"])


def test_queued_jobs_get_another_priority_and_time_and_others_are_left_alone(web: Web) -> None:
    web.execute("INSERT INTO jobs (type, priority) SELECT 'moved', 1 FROM generate_series(1, 1500)")
    ended_one = web.value(
        """UPDATE jobs SET status = 'cancelled'
            WHERE id = (SELECT min(id) FROM jobs WHERE type = 'moved') RETURNING id"""
    )
    assert web.get("/api/v1/bulk/count?change=edit&q=type:moved").json["jobs"] == 1_499
    ended = edited(web, "moved", priority="high")
    assert (ended["state"], ended["changed"], ended["priority"], ended["runAt"]) == ("done", 1_499, 10, None)
    assert web.value("SELECT count(*) FROM jobs WHERE type = 'moved' AND priority = 10") == 1_499
    assert web.value("SELECT priority FROM jobs WHERE id = %s", ended_one) == 1
    ended = edited(web, "moved", runAt="2030-01-01T00:00:00+01:00")
    assert (ended["changed"], ended["runAt"], ended["priority"]) == (1_499, "2029-12-31T23:00:00Z", None)
    later = """SELECT count(*) FROM jobs
                WHERE type = 'moved' AND priority = 10 AND "runAt" = '2029-12-31T23:00Z'"""
    assert web.value(later) == 1_499


def test_who_waits_for_others_is_given_no_time_but_a_priority(web: Web) -> None:
    first = web.enqueue("first")
    waits = web.enqueue("waits", waitsFor=[first])
    free = web.enqueue("waits")
    assert edited(web, "waits", runAt="2030-01-01T00:00:00Z")["changed"] == 1
    assert edited(web, "waits", priority=-5)["changed"] == 2
    times = "SELECT array_agg(id) FROM jobs WHERE type = 'waits' AND \"runAt\" = '2030-01-01T00:00Z'"
    assert web.value(times) == [free]
    assert web.value("SELECT status FROM jobs WHERE id = %s", waits) == "queued"


def test_an_edit_says_what_and_other_changes_say_nothing_of_it(web: Web) -> None:
    for wanted, field in (
        ({"change": "edit"}, "priority"),
        ({"change": "edit", "priority": "soon"}, "priority"),
        ({"change": "edit", "priority": 40_000}, "priority"),
        ({"change": "edit", "runAt": "2030-01-01T00:00:00"}, "runAt"),
        ({"change": "cancel", "priority": 1}, "priority"),
        ({"change": "requeue", "runAt": "2030-01-01T00:00:00Z"}, "runAt"),
    ):
        refused = web.post("/api/v1/bulk", {"q": "type:none", "toId": 1, **wanted})
        assert (refused.status, refused.json["field"]) == (422, field), wanted
    ended = web.get("/api/v1/bulk/count?change=edit&q=status:failed")
    assert (ended.status, ended.json["field"]) == (422, "q")
