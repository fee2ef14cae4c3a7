"""A language model that reads filings, against a server that speaks and refuses as OpenAI's does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rig.chat_server import KEY, MODEL, ChatServer, chat_server
from rig.http_place import Reply
from rowcrew import model_server
from rowcrew.model.outcome import Errored
from tests.bundled.announcements.conftest import Desk
from tests.bundled.conftest import permanent_error

READ: dict[str, Any] = {
    "category": "New Order",
    "headline": "Order from Falcon Rail",
    "summary": "Meru Foods Limited has received a work order.",
    "financialData": [
        {
            "kind": "amount",
            "label": "order value",
            "value": "726200000",
            "currency": "INR",
            "quote": "Rs. 72.62 crore",
        }
    ],
    "individualInvestors": [
        {"name": "Ramesh K. Damani", "action": "bought", "shares": 150000, "percent": "2.35"}
    ],
    "companyInvestors": [],
    "sentiment": "positive",
}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setattr(model_server, "LONGEST_PAUSE_SECONDS", 0.01)
    with chat_server() as told:
        told.says = [READ]
        monkeypatch.setenv("ANNOUNCEMENT_MODEL_URL", told.url)
        monkeypatch.setenv("ANNOUNCEMENT_MODEL", MODEL)
        monkeypatch.setenv("ANNOUNCEMENT_MODEL_API_KEY", KEY)
        yield told


def failure(desk: Desk) -> str:
    """Why an attempt failed that may come again; nothing may have been handed on."""
    run = desk.read()
    assert isinstance(run.outcome, Errored)
    assert not run.outcome.permanent
    assert run.children == []
    return str(run.outcome.error)


def test_a_filing_is_read_by_the_model_and_kept_like_any_other(model: ChatServer, desk: Desk) -> None:
    result = desk.read().result
    assert {name: result[name] for name in READ} == READ
    assert result["engine"] == f"openai-compatible:{MODEL}"
    desk.upload()
    assert desk.counts() == [1, 1, 1]
    (question,) = model.asked[:1]
    assert "Falcon Rail Corporation" in json.loads(question["messages"][1]["content"])["text"]


def test_a_file_that_this_model_has_read_is_not_paid_for_again(model: ChatServer, desk: Desk) -> None:
    desk.upload()
    assert desk.read().result["engine"] == f"openai-compatible:{MODEL}"
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        "It is about an order.",
        '```json\n{"category": "New Order"}\n```',
        {**READ, "category": "Good News"},
        {**READ, "confidence": 0.9},
        {**READ, "sentiment": "bullish"},
        {name: value for name, value in READ.items() if name != "summary"},
        {**READ, "financialData": [{"kind": "amount", "value": "Rs. 72.62 crore"}]},
        {**READ, "headline": "x" * 1_001},
    ],
)
def test_an_answer_outside_the_schema_is_a_failed_attempt_and_no_rule_stands_in(
    model: ChatServer, desk: Desk, answer: Any
) -> None:
    model.says = [answer]
    assert "outside the schema" in failure(desk)


def test_an_answer_that_breaks_off_or_declines_is_a_failed_attempt(model: ChatServer, desk: Desk) -> None:
    model.finish_reason = "length"
    assert "broke off (length)" in failure(desk)
    model.finish_reason, model.refusal = "stop", "I cannot help with that."
    assert "declined" in failure(desk)


def test_what_may_pass_is_asked_again_in_the_same_attempt(model: ChatServer, desk: Desk) -> None:
    model.troubles = [
        Reply(429, {}, {"Retry-After": "20"}),
        Reply(503, b"<html>"),
        Reply(500, b""),
    ]
    assert desk.read().result["category"] == "New Order"
    assert len(model.asked) == 1


def test_a_server_that_stays_away_is_a_failed_attempt(model: ChatServer, desk: Desk) -> None:
    model.troubles = [Reply(503, {})] * model_server.ATTEMPTS
    assert "the server of ANNOUNCEMENT_MODEL_URL answers 503" in failure(desk)


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("ANNOUNCEMENT_MODEL_API_KEY", "sk-wrong", "401 (invalid_api_key)"),
        ("ANNOUNCEMENT_MODEL", "no-such", "404 (model_not_found)"),
    ],
)
def test_what_the_settings_have_wrong_ends_the_job_without_repeating_a_key(
    model: ChatServer, desk: Desk, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, told: str
) -> None:
    monkeypatch.setenv(setting, value)
    error = permanent_error(desk.read())
    assert told in error
    assert "sk-" not in error


def test_one_of_the_two_settings_alone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from rowcrew.bundled.announcements.settings import AnnouncementSettings

    monkeypatch.setenv("ANNOUNCEMENT_MODEL", MODEL)
    assert any("ANNOUNCEMENT_MODEL_URL" in told for told in AnnouncementSettings.complaints())
