"""Requeue with another payload: the form by mouse, by keyboard and without a script; what it refuses."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from rowcrew.model.masking import MASK
from rowcrew.web.pages.payload_form import fields, read
from tests.web.pages.conftest import OpenPage, Scene
from tests.web.pages.test_errands import tab_to
from tests.web.pages.test_hostile import HOSTILE, caught
from tests.web.pages.test_plain import post

SCHEMA = {
    "type": "object",
    "properties": {
        "url": {"type": "string"},
        "depth": {"type": "integer", "minimum": 1, "default": 3},
        "format": {"enum": ["pdf", "csv"]},
        "draft": {"type": "boolean"},
        "rows": {"type": "array", "items": {"type": "integer"}},
        "api_key": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["url"],
}
PAYLOAD = {"url": "https://old.example", "format": "pdf", "rows": [1, 2], "api_key": "k-1", "extra": {"a": 1}}


UNTOUCHED_SCHEMA = {
    "properties": {
        "version": {"enum": ["1", "2"]},
        "body": {"type": "string"},
        "old": {"type": "string"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    }
}
UNTOUCHED = {"version": "1", "body": "a\r\nb", "old": "a\rb\n", "note": None, "lines": ["\r\n"], "big": 2**70}


def published(scene: Scene, type: str, schema: Any = SCHEMA) -> None:
    scene.web.execute(
        'INSERT INTO job_types (type, "payloadSchema") VALUES (%s, %s) ON CONFLICT DO NOTHING',
        type,
        json.dumps(schema),
    )


def payload_of(scene: Scene, id: int) -> Any:
    return scene.web.value("SELECT payload FROM jobs WHERE id = %s", id)


def test_a_failed_job_runs_again_with_what_somebody_changed_by_mouse(
    open_page: OpenPage, scene: Scene
) -> None:
    published(scene, "edited")
    id = scene.failed("edited", payload=PAYLOAD)
    page = open_page(f"/jobs/{id}")
    page.get_by_role("link", name="Edit and requeue").click()
    expect(page.get_by_label("url")).to_have_value("https://old.example")
    expect(page.get_by_label("api_key")).to_have_value(MASK)
    assert "k-1" not in page.content()
    page.get_by_label("url").fill("https://new.example")
    page.get_by_label("depth").fill("5")
    page.get_by_label("format").select_option("csv")
    page.get_by_role("button", name="Requeue").click()
    expect(page.get_by_role("status")).to_contain_text("queued again")
    assert scene.status(id) == "queued"
    assert payload_of(scene, id) == {**PAYLOAD, "url": "https://new.example", "depth": 5, "format": "csv"}
    detail = scene.web.value(
        "SELECT detail FROM events WHERE kind = 'web.requeue_edited_job' AND subject = %s", str(id)
    )
    assert (detail["actor"], detail["fields"]) == ("local", ["depth", "format", "url"])
    assert "example" not in json.dumps(detail)


def test_a_job_is_edited_and_requeued_by_keyboard(open_page: OpenPage, scene: Scene) -> None:
    id = scene.failed("by_keyboard_edited", payload={"n": 1})
    page = open_page(f"/jobs/{id}")
    with page.expect_navigation():
        page.keyboard.press("e")
    tab_to(page, page.get_by_label("Payload"))
    page.keyboard.press("Control+A")
    page.keyboard.type('{"n": 2}')
    tab_to(page, page.get_by_role("button", name="Requeue"))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert (scene.status(id), payload_of(scene, id)) == ("queued", {"n": 2})


def test_what_does_not_fit_is_told_at_its_field_and_kept(open_page: OpenPage, scene: Scene) -> None:
    """triggerdotdev/trigger.dev#867"""
    published(scene, "refused")
    id = scene.failed("refused", payload=PAYLOAD)
    page = open_page(f"/jobs/{id}/edit", java_script_enabled=False)
    page.get_by_label("depth").fill("0")
    page.get_by_role("button", name="Requeue").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
    expect(page.get_by_label("depth")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".payload .wrong")).to_contain_text("must be at least 1")
    page.get_by_label("depth").fill("many")
    page.get_by_label("rows").fill("[1, ")
    page.get_by_role("button", name="Requeue").click()
    expect(page.locator(".payload .wrong")).to_have_count(2)
    expect(page.get_by_label("depth")).to_have_value("many")
    assert (scene.status(id), payload_of(scene, id)) == ("failed", PAYLOAD)
    page.get_by_label("depth").fill("")
    page.get_by_label("rows").fill("[1]")
    page.get_by_role("button", name="Requeue").click()
    expect(page.get_by_role("status")).to_contain_text("queued again")
    assert payload_of(scene, id) == {**PAYLOAD, "rows": [1]}


def test_who_was_overtaken_is_told_and_loses_nothing(open_page: OpenPage, scene: Scene) -> None:
    id = scene.failed("overtaken", payload={"n": 1})
    page = open_page(f"/jobs/{id}/edit")
    scene.web.execute("""UPDATE jobs SET payload = '{"n": 7}' WHERE id = %s""", id)
    page.get_by_label("Payload").fill('{"n": 2}')
    page.get_by_role("button", name="Requeue").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody has changed the job")
    expect(page.get_by_label("Payload")).to_have_value('{"n": 2}')
    assert (scene.status(id), payload_of(scene, id)) == ("failed", {"n": 7})


def test_a_job_that_has_not_ended_has_no_such_form(scene: Scene) -> None:
    """A worker that runs it has the former payload."""
    id = scene.job("open")
    assert scene.web.get(f"/jobs/{id}/edit").status == 409
    answered = post(scene, f"/jobs/{id}/edit", "seen=2026-01-01T00:00:00%2B00:00&rest={}")
    assert answered.status == 409
    assert "only an ended job" in answered.text


def test_a_live_job_with_its_unique_key_is_named(scene: Scene) -> None:
    id = scene.failed("keyed", uniqueKey="same")
    live = scene.job("keyed", uniqueKey="same")
    seen = scene.web.value('SELECT "updatedAt" FROM jobs WHERE id = %s', id).isoformat().replace("+", "%2B")
    answered = post(scene, f"/jobs/{id}/edit", f"seen={seen}&rest={{}}")
    assert answered.status == 409
    assert f"Job {live} has its type and unique key" in answered.text


@pytest.mark.parametrize("text", HOSTILE)
def test_payload_schema_and_what_was_typed_stay_text(open_page: OpenPage, scene: Scene, text: str) -> None:
    type = f"hostile-edit-{HOSTILE.index(text)}"
    published(scene, type, {"properties": {text: {"type": "string", "description": text, "enum": [text]}}})
    id = scene.failed(type, text, payload={text: text, "more": text})
    page = open_page(f"/jobs/{id}/edit")
    assert not caught(page)
    page.locator("textarea").fill(f"</textarea>{text}")
    page.get_by_role("button", name="Requeue").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("textarea")).to_have_value(re.compile("^</textarea>"))
    assert not caught(page)


def test_fields_that_are_left_empty_stay_left_out_and_an_empty_text_stays_one() -> None:
    sent = {"field.url": [""], "field.depth": [""], "field.draft": [""], "field.rows": [""], "rest": ["{}"]}
    assert read(sent, {"url": "x"}, SCHEMA).payload == {"url": ""}
    assert read({}, PAYLOAD, SCHEMA).payload == PAYLOAD


def test_a_field_that_nobody_touched_is_what_it_was(open_page: OpenPage, scene: Scene) -> None:
    """Browsers end lines in one way, and a choice among texts looks like one among numbers."""
    published(scene, "untouched", UNTOUCHED_SCHEMA)
    id = scene.failed("untouched", payload=UNTOUCHED)
    open_page(f"/jobs/{id}/edit").get_by_role("button", name="Requeue").click()
    assert (scene.status(id), payload_of(scene, id)) == ("queued", UNTOUCHED)


def test_a_choice_is_the_value_that_the_schema_has_for_its_word() -> None:
    sent = {"field.version": ["2"], "field.body": ["a\r\nc"], "field.old": ["A"]}
    made = read(sent, UNTOUCHED, UNTOUCHED_SCHEMA)
    assert made == ({**UNTOUCHED, "version": "2", "body": "a\nc", "old": "A"}, {})
    schema = {"properties": {"level": {"enum": [1, "1", True, None]}}}
    for word, value in (("1", 1), ("true", True), ("null", None)):
        assert read({"field.level": [word]}, {"level": "x"}, schema).payload == {"level": value}
    (field,) = fields({"level": "1"}, {"properties": {"level": {"enum": [1, 2]}}})
    assert (field.kind, field.text) == ("json", '"1"')


def test_a_payload_as_large_as_may_be_is_edited(scene: Scene) -> None:
    large = "ж" * 490_000
    id = scene.failed("large", payload={"text": large, "n": 1})
    seen = scene.web.value('SELECT "updatedAt" FROM jobs WHERE id = %s', id).isoformat()
    form = urlencode({"seen": seen, "rest": json.dumps({"text": large, "n": 2}, ensure_ascii=False)})
    assert post(scene, f"/jobs/{id}/edit", form).status == 303
    assert payload_of(scene, id)["n"] == 2


def test_accounts_that_are_moved_and_removed_keep_their_secrets(open_page: OpenPage, scene: Scene) -> None:
    accounts = [{"name": name, "token": f"t-{name}"} for name in "abc"]
    id = scene.failed("accounts", payload={"accounts": accounts})
    page = open_page(f"/jobs/{id}/edit")
    told = json.loads(page.get_by_label("Payload").input_value())["accounts"]
    assert [one["token"] for one in told] == [f"{MASK} 1", f"{MASK} 2", f"{MASK} 3"]
    page.get_by_label("Payload").fill(json.dumps({"accounts": [told[2], told[1]]}))
    page.get_by_role("button", name="Requeue").click()
    expect(page.get_by_role("status")).to_contain_text("queued again")
    assert payload_of(scene, id) == {"accounts": [accounts[2], accounts[1]]}


def test_a_value_that_is_not_what_the_schema_says_is_edited_as_json() -> None:
    """triggerdotdev/trigger.dev#867"""
    kinds = {one.label: one.kind for one in fields({"url": 5, "draft": "maybe", "rows": None}, SCHEMA)}
    assert (kinds["url"], kinds["draft"], kinds["rows"]) == ("json", "json", "json")
    assert read({}, {"url": 5, "draft": "maybe", "rows": None}, SCHEMA).payload["rows"] is None


def test_without_a_schema_the_whole_payload_is_one_field() -> None:
    (only,) = fields({"a": 1}, None)
    assert (only.label, only.kind) == ("Payload", "json")
    assert read({"rest": ["[1]"]}, {"a": 1}, None).wrong == {"rest": "must be a JSON object: { … }"}
