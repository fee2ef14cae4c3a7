"""Requeue with another payload over HTTP: validated, fenced by what was seen, recorded without values."""

from __future__ import annotations

import json

from rowcrew.model.masking import MASK
from tests.web.conftest import Web

PAYLOAD = {"account": 1, "token": "t-1"}


def ended(web: Web, type: str) -> int:
    id = web.enqueue(type, payload=PAYLOAD)
    web.execute("UPDATE jobs SET status = 'failed' WHERE id = %s", id)
    return id


def edited(web: Web, id: int, payload: object, **headers: str) -> tuple[int, dict[str, object]]:
    answered = web.post(f"/api/v1/jobs/{id}/requeue/edited", {"payload": payload}, **headers)
    return answered.status, answered.json


def test_an_ended_job_runs_again_with_another_payload_and_its_secret(web: Web) -> None:
    id = ended(web, "edited-by-http")
    status, document = edited(web, id, {"account": 2, "token": MASK})
    assert (status, document["status"], document["attempts"]) == (200, "queued", 0)
    assert document["payload"] == {"account": 2, "token": "t-1"}
    detail = web.value(
        "SELECT detail FROM events WHERE kind = 'web.requeue_edited_job' ORDER BY id DESC LIMIT 1"
    )
    assert (detail["actor"], detail["fields"]) == ("local", ["account"])


def test_what_does_not_fit_the_published_schema_is_refused_with_its_place(web: Web) -> None:
    schema = {"properties": {"account": {"type": "integer"}}, "required": ["account"]}
    web.execute(
        """INSERT INTO job_types (type, "payloadSchema") VALUES ('schemed', %s)""", json.dumps(schema)
    )
    id = ended(web, "schemed")
    for payload, field in (
        ({"account": "x"}, "payload.account"),
        ({}, "payload.account"),
        ({"a": MASK}, "payload.a"),
    ):
        status, problem = edited(web, id, payload)
        assert (status, problem["field"]) == (422, field)
    assert web.value("SELECT status FROM jobs WHERE id = %s", id) == "failed"


def test_a_job_that_is_live_or_was_changed_since_is_left_alone(web: Web) -> None:
    live = web.enqueue("live-edited")
    assert edited(web, live, {})[0] == 409
    id = ended(web, "seen-edited")
    tag = web.get(f"/api/v1/jobs/{id}").headers["etag"]
    web.execute("UPDATE jobs SET priority = 5 WHERE id = %s", id)
    assert edited(web, id, {"account": 3}, If_Match=tag)[0] == 412
    assert web.value("SELECT payload FROM jobs WHERE id = %s", id) == PAYLOAD
    assert edited(web, 2**60, {})[0] == 404


def test_a_payload_that_no_job_can_have_is_refused(web: Web) -> None:
    id = ended(web, "odd-edited")
    deep: dict[str, object] = {}
    for _ in range(800):
        deep = {"a": deep}
    for payload in ({"a": "\0"}, deep):
        status, problem = edited(web, id, payload)
        assert (status, str(problem["field"])[:7]) == (422, "payload")
