"""Jobs over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rig.programs import run
from tests.web.conftest import Web


def test_a_job_is_enqueued_and_shown_with_the_names_of_its_columns(web: Web) -> None:
    answered = web.post(
        "/api/v1/jobs", {"type": "mail", "payload": {"to": "a@b"}, "queue": "m", "priority": "high"}
    )
    assert answered.status == 201
    id = answered.json["id"]
    assert answered.headers["location"] == f"/api/v1/jobs/{id}"
    shown = web.get(f"/api/v1/jobs/{id}").json
    assert shown == answered.json
    assert shown["payload"] == {"to": "a@b"}
    assert (shown["queue"], shown["priority"], shown["status"], shown["maxAttempts"]) == (
        "m",
        10,
        "queued",
        3,
    )
    assert shown["createdAt"].endswith("Z")
    assert shown["job_attempts"] == []


def test_the_payload_may_be_called_parameters(web: Web) -> None:
    answered = web.post("/api/v1/jobs", {"type": "mail", "parameters": {"to": "a@b"}, "priority": "high"})
    assert (answered.status, answered.json["payload"]) == (201, {"to": "a@b"})
    both = {"type": "mail", "payload": {"to": "a@b"}, "parameters": {"to": "c@d"}}
    refused = web.post("/api/v1/jobs", both)
    assert (refused.status, refused.json["field"]) == (422, "parameters")


SPAN = f"{'4bf92f3577b34da6' * 2}-00f067aa0ba902b7"


@pytest.mark.parametrize(
    "header", [f"00-{SPAN}-01", f"00-{SPAN}-00", f"01-{SPAN}-01-later", f"cc-{SPAN}-01-{'x' * 199}"]
)
def test_the_trace_of_a_request_becomes_the_jobs(web: Web, header: str) -> None:
    answered = web.post("/api/v1/jobs", {"type": "traced"}, traceparent=header)
    assert answered.status == 201
    assert web.value("SELECT traceparent FROM jobs WHERE id = %s", answered.json["id"]) == header


@pytest.mark.parametrize(
    "header",
    [
        *("", "00", "nonsense", f"00-{SPAN}", f"00-{SPAN}-zz", f"00-{SPAN}-01-more", f"00-{SPAN}-01-"),
        *(f"ff-{SPAN}-01", f"00-{SPAN.upper()}-01", f" 00-{SPAN}-01, 00-{SPAN}-01"),
        *(f"00-{'0' * 32}-{SPAN[-16:]}-01", f"00-{SPAN[:32]}-{'0' * 16}-01"),
        *(f"01-{SPAN}-01-\xe9\xff", f"01-{SPAN}-01-{'x' * 200}", "x" * 30_000),
        *("'; DROP TABLE jobs; --", "<script>alert(1)</script>"),
    ],
)
def test_a_malformed_traceparent_is_left_out_and_harms_no_request(web: Web, header: str) -> None:
    """open-telemetry/opentelemetry-java#1675, PostHog/posthog-js#4776"""
    answered = web.post("/api/v1/jobs", {"type": "traced"}, traceparent=header)
    assert answered.status == 201, answered.text
    assert web.value("SELECT traceparent FROM jobs WHERE id = %s", answered.json["id"]) is None


def test_sql_command_line_and_api_tell_the_same_of_a_job(web: Web) -> None:
    id = web.enqueue("same")
    web.execute(
        """UPDATE jobs SET status = 'failed', "errorMessage" = 'boom',
                  progress = '{"current": 5, "total": 10}'
           WHERE id = %s""",
        id,
    )
    shown = web.get(f"/api/v1/jobs/{id}").json
    listed = run("jobs", "show", str(id), "--json", DATABASE_URL=web.url)
    for column in ("status", "progress", "result", "errorMessage", "payload", "attempts"):
        assert shown[column] == json.loads(listed.stdout)[column], column
    assert shown["progress"] == {"current": 5, "total": 10}
    assert web.value('SELECT "errorMessage" FROM jobs WHERE id = %s', id) == shown["errorMessage"] == "boom"


def test_a_second_request_with_the_same_idempotency_key_finds_the_first_ones_job(web: Web) -> None:
    first = web.post("/api/v1/jobs", {"type": "pay"}, Idempotency_Key="order-7")
    second = web.post("/api/v1/jobs", {"type": "pay"}, Idempotency_Key="order-7")
    assert (first.status, second.status) == (201, 200)
    assert first.json["id"] == second.json["id"]
    assert first.json["uniqueKey"] == "order-7"


def test_an_idempotency_key_that_differs_from_the_unique_key_is_refused(web: Web) -> None:
    answered = web.post("/api/v1/jobs", {"type": "pay", "uniqueKey": "a"}, Idempotency_Key="b")
    assert (answered.status, answered.json["field"]) == (422, "uniqueKey")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "type"),
        ({"type": ""}, "type"),
        ({"type": 7}, "type"),
        ({"type": "t", "maxAttempts": "3"}, "maxAttempts"),
        ({"type": "t", "maxAttempts": 0}, "maxAttempts"),
        ({"type": "t", "timeoutSeconds": 0}, "timeoutSeconds"),
        ({"type": "t", "queue": "No Queue"}, "queue"),
        ({"type": "t", "runAt": "tomorrow"}, "runAt"),
        ({"type": "t", "runAt": "2030-01-01T00:00:00"}, "runAt"),
        ({"type": "t", "payload": [1]}, "payload"),
        ({"type": "t", "payload": {"a": ["x\u0000y"]}}, "payload.a[0]"),
        ({"type": "t", "waitsFor": [0]}, "waitsFor[0]"),
        ({"type": "t", "waitPolicy": "ended"}, "waitsFor"),
        ({"type": "t", "unique_key": "k"}, "unique_key"),
        ({"type": "t", "priority": "soon"}, "priority"),
    ],
)
def test_a_wrong_body_is_refused_with_the_name_of_the_field(web: Web, body: Any, field: str) -> None:
    before = web.value("SELECT count(*) FROM jobs")
    answered = web.post("/api/v1/jobs", body)
    assert answered.status == 422
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json["field"] == field
    assert field.partition(".")[0].partition("[")[0] in answered.json["detail"]
    assert web.value("SELECT count(*) FROM jobs") == before


@pytest.mark.parametrize("body", [b"{", b"", b'{"type": "\xff"}', b'{"type": "t"} x'])
def test_a_body_that_is_no_json_is_refused(web: Web, body: bytes) -> None:
    answered = web.post("/api/v1/jobs", body)
    assert answered.status == 400
    assert "JSON" in answered.json["detail"]


def test_a_body_nested_too_deep_is_refused(web: Web) -> None:
    deep = b'{"type": "t", "payload": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}"
    assert web.post("/api/v1/jobs", deep).status == 422


def test_a_form_of_another_page_is_no_body(web: Web) -> None:
    answered = web.post("/api/v1/jobs", b'{"type": "t"}', Content_Type="text/plain")
    assert answered.status == 415


def test_a_body_that_is_too_large_is_refused(web: Web) -> None:
    answered = web.post("/api/v1/jobs", {"type": "t", "payload": {"a": "x" * 2_100_000}})
    assert (answered.status, answered.json["field"]) == (413, "payload")


def test_lists_are_narrowed_by_status_type_queue_and_key(web: Web) -> None:
    wanted = web.enqueue("narrow", queue="n1", uniqueKey="k1", concurrencyKey="acme")
    web.enqueue("narrow", queue="n2", concurrencyKey="other")
    for query in ("type=narrow&queue=n1", "key=k1", "key=acme", "status=queued&key=k1&type=narrow&type=none"):
        listed = web.get(f"/api/v1/jobs?{query}").json["jobs"]
        assert [job["id"] for job in listed] == [wanted], query
    assert listed[0]["uniqueKey"] == "k1"
    assert web.get("/api/v1/jobs?type=narrow&status=failed").json == {"jobs": [], "next": None}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=done", "status"),
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("cursor=-1", "cursor"),
        ("state=queued", "state"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_a_wrong_query_is_refused_with_the_name_of_its_part(web: Web, query: str, field: str) -> None:
    answered = web.get(f"/api/v1/jobs?{query}")
    assert answered.status == 400
    assert answered.json["field"].partition("[")[0] == field


def test_pages_hold_every_job_once_while_rows_are_inserted(web: Web) -> None:
    there = [web.enqueue("paged") for _ in range(7)]
    seen: list[int] = []
    path: str | None = "/api/v1/jobs?type=paged&limit=2"
    while path:
        page = web.get(path).json
        seen += [job["id"] for job in page["jobs"]]
        web.enqueue("paged")
        path = page["next"] and f"/api/v1/jobs?type=paged&limit=2&cursor={page['next']}"
    assert seen == there[::-1]


def test_a_list_reaches_over_a_gap_of_ids(web: Web) -> None:
    old = web.enqueue("gap")
    web.execute("INSERT INTO jobs (id, type) OVERRIDING SYSTEM VALUE VALUES (%s, 'far')", old + 10**12)
    try:
        first = web.get("/api/v1/jobs?type=gap").json
        assert first["jobs"] == []
        second = web.get(f"/api/v1/jobs?type=gap&cursor={first['next']}").json
        assert [job["id"] for job in second["jobs"]] == [old]
    finally:
        web.execute("DELETE FROM jobs WHERE id = %s", old + 10**12)


def test_a_job_is_cancelled_and_requeued_and_a_repeated_request_is_answered_as_the_first(web: Web) -> None:
    id = web.enqueue("turn")
    first, second = (web.post(f"/api/v1/jobs/{id}/cancel") for _ in range(2))
    assert (first.status, first.json["status"], first.json["changed"]) == (200, "cancelled", True)
    assert (second.status, second.json["status"], second.json["changed"]) == (200, "cancelled", False)
    assert web.post(f"/api/v1/jobs/{id}/requeue").json["status"] == "queued"
    assert web.value("SELECT status FROM jobs WHERE id = %s", id) == "queued"


def test_what_cannot_be_changed_is_a_conflict(web: Web) -> None:
    id = web.enqueue("done", uniqueKey="one")
    web.execute("UPDATE jobs SET status = 'failed' WHERE id = %s", id)
    assert web.post(f"/api/v1/jobs/{id}/cancel").status == 409
    live = web.enqueue("done", uniqueKey="one")
    answered = web.post(f"/api/v1/jobs/{id}/requeue")
    assert answered.status == 409
    assert f"job {live}" in answered.json["detail"]


@pytest.mark.parametrize("id", ["0", "x", "-1", "9" * 19, "9" * 30, "%D9%A1", "999999999999"])
def test_a_job_that_is_not_there_is_not_found(web: Web, id: str) -> None:
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/requeue")):
        answered = web.ask(method, f"/api/v1/jobs/{id}{path}")
        assert (answered.status, answered.json["field"]) == (404, "id")


def test_a_queued_job_is_given_another_priority_and_time(web: Web) -> None:
    id = web.enqueue("later")
    answered = web.ask("PATCH", f"/api/v1/jobs/{id}", {"priority": "high", "runAt": "2100-01-01T00:00:00Z"})
    assert answered.status == 200
    assert (answered.json["priority"], answered.json["runAt"]) == (10, "2100-01-01T00:00:00Z")
    assert web.value("SELECT priority FROM jobs WHERE id = %s", id) == 10


def test_a_change_of_what_somebody_else_has_changed_meanwhile_is_refused(web: Web) -> None:
    id = web.enqueue("contested")
    seen = web.get(f"/api/v1/jobs/{id}").headers["etag"]
    first = web.ask("PATCH", f"/api/v1/jobs/{id}", {"priority": 5}, If_Match=seen)
    second = web.ask("PATCH", f"/api/v1/jobs/{id}", {"priority": 6}, If_Match=seen)
    assert (first.status, second.status) == (200, 412)
    assert web.value("SELECT priority FROM jobs WHERE id = %s", id) == 5
    assert web.get(f"/api/v1/jobs/{id}").headers["etag"] == first.headers["etag"] != seen


def test_what_has_not_changed_is_not_sent_again(web: Web) -> None:
    id = web.enqueue("same-again")
    seen = web.get(f"/api/v1/jobs/{id}").headers["etag"]
    again = web.get(f"/api/v1/jobs/{id}", If_None_Match=seen)
    assert (again.status, again.text) == (304, "")


def test_only_a_queued_job_is_changed_so(web: Web) -> None:
    id = web.enqueue("over")
    web.post(f"/api/v1/jobs/{id}/cancel")
    answered = web.ask("PATCH", f"/api/v1/jobs/{id}", {"priority": 5})
    assert (answered.status, "cancelled" in answered.json["detail"]) == (409, True)


def test_a_job_that_waits_for_others_is_not_let_go_by_a_time(web: Web) -> None:
    first = web.enqueue("first")
    waiting = web.enqueue("second", waitsFor=[first])
    answered = web.ask("PATCH", f"/api/v1/jobs/{waiting}", {"runAt": "2030-01-01T00:00:00Z"})
    assert (answered.status, answered.json["field"]) == (409, "runAt")
    assert web.get(f"/api/v1/jobs/{waiting}/why").json["reasons"][0]["code"] == "waiting"


def test_a_typed_search_means_the_same_as_its_parts(web: Web) -> None:
    id = web.enqueue("typed", queue="q-typed")
    typed = web.get("/api/v1/jobs?q=status:queued+queue:q-typed+type:typed").json
    assert [job["id"] for job in typed["jobs"]] == [id]
    for query in ("q=colour:red", "q=type:a&type=a"):
        answered = web.get(f"/api/v1/jobs?{query}")
        assert (answered.status, answered.json["field"]) == (400, "q")


def test_a_job_tells_what_it_has_said(web: Web) -> None:
    id = web.enqueue("said")
    web.execute(
        """INSERT INTO job_logs ("jobId", attempt, lines, dropped, text)
           VALUES (%s, 1, 2, 0, E'one\\ntwo\\n')""",
        id,
    )
    (said,) = web.get(f"/api/v1/jobs/{id}/logs").json["logs"]
    assert said["text"] == "one\ntwo\n"
    assert web.get(f"/api/v1/jobs/{id}/logs?after={said['id']}").json == {"logs": []}


def test_a_family_of_jobs_is_shown_and_run_again_as_far_as_it_failed(web: Web) -> None:
    parent = web.enqueue("parent")
    child = web.enqueue("child", parentId=parent)
    web.execute("UPDATE jobs SET status = 'failed' WHERE id = %s", child)
    shown = web.get(f"/api/v1/workflows/{child}").json["jobs"]
    assert [(job["id"], job["depth"]) for job in shown] == [(parent, 0), (child, 1)]
    again = web.post(f"/api/v1/workflows/{parent}/requeue").json["jobs"]
    assert [(job["id"], job["status"]) for job in again] == [(child, "queued")]
    assert {job["status"] for job in web.post(f"/api/v1/workflows/{parent}/cancel").json["jobs"]} == {
        "cancelled"
    }
    assert web.get("/api/v1/workflows/999999999").status == 404


def test_a_family_is_looked_for_among_the_jobs_near_it_and_what_may_be_further_is_told(web: Web) -> None:
    parent = web.enqueue("scattered")
    child = web.enqueue("near", parentId=parent)
    assert web.get(f"/api/v1/workflows/{parent}").json["isWhole"]
    web.execute("SELECT setval('jobs_id_seq', %s)", child + 100_000)
    grandchild = web.enqueue("far", parentId=child)
    shown = web.get(f"/api/v1/workflows/{parent}").json
    assert [job["id"] for job in shown["jobs"]] == [parent, child]
    assert not shown["isWhole"]
    from_below = web.get(f"/api/v1/workflows/{grandchild}").json["jobs"]
    assert [job["id"] for job in from_below] == [parent, child, grandchild]
