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
