"""Queues, schedules, types, events, models and announcements over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.web.conftest import Web


def test_the_limits_of_a_queue_are_changed_shown_and_taken_away(web: Web) -> None:
    web.enqueue("limited", queue="l1")
    changed = web.ask("PATCH", "/api/v1/queues/l1", {"maxConcurrent": 3, "label": "L"})
    assert (changed.json["maxConcurrent"], changed.json["label"]) == (3, "L")
    assert web.ask("PATCH", "/api/v1/queues/l1", {"maxConcurrent": None}).json["maxConcurrent"] is None
    assert web.value("SELECT label FROM queues WHERE queue = 'l1'") == "L"


def test_a_limit_for_a_time_says_until_when(web: Web) -> None:
    web.enqueue("limited", queue="l2")
    changed = web.ask("PATCH", "/api/v1/queues/l2", {"rateLimit": 5, "forSeconds": 7200})
    until = datetime.fromisoformat(changed.json["until"])
    assert timedelta(hours=1) < until - datetime.now(UTC) < timedelta(hours=3)


def test_of_two_people_who_saw_the_same_limits_one_changes_them(web: Web) -> None:
    web.enqueue("limited", queue="l3")
    seen = web.get("/api/v1/queues/l3").headers["etag"]
    answers = [
        web.ask("PATCH", "/api/v1/queues/l3", {"maxConcurrent": most}, If_Match=seen).status
        for most in (1, 2)
    ]
    assert answers == [200, 412]
    assert web.value("SELECT \"maxConcurrent\" FROM queues WHERE queue = 'l3'") == 1
    assert web.get("/api/v1/queues/l3", If_None_Match=seen).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"maxConcurrent": -1}, "maxConcurrent"),
        ({"ratePeriodSeconds": 0}, "ratePeriodSeconds"),
        ({"paused": None}, "paused"),
        ({"max_concurrent": 1}, "max_concurrent"),
        ({"maxConcurrent": 2**31}, "maxConcurrent"),
    ],
)
def test_a_wrong_limit_is_refused_with_its_name(web: Web, body: dict[str, object], field: str) -> None:
    web.enqueue("limited", queue="l4")
    answered = web.ask("PATCH", "/api/v1/queues/l4", body)
    assert (answered.status, answered.json["field"]) == (422, field)


def test_a_queue_is_paused_and_resumed_and_an_unknown_one_gets_no_row(web: Web) -> None:
    web.enqueue("paused", queue="p1")
    assert web.post("/api/v1/queues/p1/pause").json["paused"] is True
    assert web.post("/api/v1/queues/p1/resume").json["paused"] is False
    for method, path in (("POST", "/pause"), ("GET", "")):
        assert web.ask(method, f"/api/v1/queues/nobody{path}").status == 404
    assert web.ask("PATCH", "/api/v1/queues/nobody", {"paused": True}).status == 404
    assert web.value("SELECT count(*) FROM queues WHERE queue = 'nobody'") == 0


def test_a_schedule_is_added_changed_paused_run_and_looked_at(web: Web) -> None:
    added = web.post(
        "/api/v1/schedules",
        {
            "name": "nightly",
            "type": "report",
            "cron": "0 3 * * *",
            "timezone": "Asia/Kolkata",
            "priority": "low",
        },
    )
    assert (added.status, added.json["priority"], added.json["paused"]) == (201, -10, False)
    ticks = web.get("/api/v1/schedules/nightly/ticks?number=2").json
    assert ticks["timezone"] == "Asia/Kolkata"
    assert all(tick.endswith("T21:30:00Z") for tick in ticks["ticks"])
    seen = web.get("/api/v1/schedules/nightly").headers["etag"]
    changed = [
        web.ask("PATCH", "/api/v1/schedules/nightly", {"cron": cron}, If_Match=seen).status
        for cron in ("0 4 * * *", "0 5 * * *")
    ]
    assert changed == [200, 412]
    assert web.value("SELECT cron FROM schedules WHERE name = 'nightly'") == "0 4 * * *"
    assert web.post("/api/v1/schedules/nightly/pause").json["paused"] is True
    assert web.post("/api/v1/schedules/nightly/resume").json["paused"] is False
    (job,) = web.post("/api/v1/schedules/nightly/trigger").json["jobs"]
    assert web.get(f"/api/v1/jobs/{job}").json["type"] == "report"
    assert "nightly" in [one["name"] for one in web.get("/api/v1/schedules").json["schedules"]]


def test_past_ticks_are_made_up_for_once(web: Web) -> None:
    web.post("/api/v1/schedules", {"name": "daily", "type": "report", "cron": "0 0 * * *"})
    past = {"begin": "2026-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z"}
    first = web.post("/api/v1/schedules/daily/backfill", past)
    assert (first.status, len(first.json["jobs"])) == (201, 3)
    assert web.post("/api/v1/schedules/daily/backfill", past).json == {"jobs": []}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "x", "type": "t", "cron": "every day"}, 422),
        ({"name": "x", "type": "t"}, 422),
        ({"name": "x", "type": "t", "everySeconds": 0}, 422),
        ({"name": "x", "type": "t", "everySeconds": 5, "timezone": "Mars/Olympus"}, 422),
        ({"name": "x", "type": "t", "everySeconds": 5, "queue": "No Queue"}, 422),
        ({"name": "", "type": "t", "everySeconds": 5}, 422),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(web: Web, body: dict[str, object], status: int) -> None:
    assert web.post("/api/v1/schedules", body).status == status
    assert web.get("/api/v1/schedules/x").status == 404


def test_a_name_that_is_taken_is_a_conflict(web: Web) -> None:
    wanted = {"name": "twice", "type": "t", "everySeconds": 60}
    assert [web.post("/api/v1/schedules", wanted).status for _ in range(2)] == [201, 409]


def test_a_type_is_shown_with_its_schema(web: Web) -> None:
    web.execute(
        """INSERT INTO job_types (type, description, "payloadSchema")
           VALUES ('mail', 'Sends', '{"type": "object"}')"""
    )
    assert [one["type"] for one in web.get("/api/v1/types").json["types"]] == ["mail"]
    assert web.get("/api/v1/types/mail").json["payloadSchema"] == {"type": "object"}
    assert web.get("/api/v1/types/none").json["field"] == "type"


def test_a_model_is_run_as_a_job_with_its_inputs(web: Web) -> None:
    answered = web.post("/api/v1/models/base%20case/run", {"months": 12}, Idempotency_Key="run-1")
    assert answered.status == 202
    assert answered.json["type"] == "model_run"
    assert answered.json["payload"] == {"months": 12, "modelId": "base case"}
    again = web.post("/api/v1/models/base%20case/run", {}, Idempotency_Key="run-1")
    assert (again.status, again.json["id"]) == (200, answered.json["id"])
    assert web.post("/api/v1/models/m/run", [1]).status == 422


def test_announcements_are_listed_by_symbol_page_by_page(web: Web) -> None:
    for number in range(3):
        web.execute(
            """INSERT INTO announcements ("corpId", exchange, "companyName", "securityId", isin, subject,
                                          category, headline, summary, sentiment, processed)
               VALUES (%s, 'BSE', 'ACME', %s, '', '', 'c', 'h', 's', 'neutral', '{"n": 1}')""",
            f"corp-{number}",
            "500001" if number else "500002",
        )
    first = web.get("/api/v1/announcements?symbol=500001&limit=1").json
    assert [one["corpId"] for one in first["announcements"]] == ["corp-2"]
    second = web.get(f"/api/v1/announcements?symbol=500001&limit=1&cursor={first['next']}").json
    assert [(one["corpId"], one["processed"]) for one in second["announcements"]] == [("corp-1", {"n": 1})]
    assert web.get("/api/v1/announcements?symbol=none").json == {"announcements": [], "next": None}


def test_events_are_listed_by_kind(web: Web) -> None:
    web.execute("INSERT INTO events (kind, subject, queue, type, detail) VALUES ('a.b', 's', '', '', '{}')")
    assert [one["subject"] for one in web.get("/api/v1/events?kind=a.b").json["events"]] == ["s"]
    assert web.get("/api/v1/events?kind=c").json == {"events": []}
