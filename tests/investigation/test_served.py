"""An investigation by a model behind a server: limits, failures, crashes, and documents that give orders."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from rig.http_place import Reply
from rig.language_models import KEY, LanguageModel, Saying, serving
from rowcrew.bundled.investigation.providers import asking
from rowcrew.bundled.investigation.providers.background import in_background
from rowcrew.context import RunStopped
from rowcrew.model.outcome import Errored, Released
from tests.investigation.conftest import Study, permanent

PROVIDERS = ("anthropic", "openai-compatible")
SEARCH = Saying(calls=[("semantic_search", {"query": "invoices"})])
ANSWER = Saying(text="On the first working day.")


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[LanguageModel]:
    with serving(LanguageModel()) as model:
        for name, value in {
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_MODEL": "large",
            "ANTHROPIC_PRICES": "3/15",
            "OPENAI_BASE_URL": model.url + "/v1",
            "OPENAI_API_KEY": KEY,
            "OPENAI_MODEL": "small",
            "OPENAI_PRICES": "3/15",
        }.items():
            monkeypatch.setenv(name, value)
        yield model


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that are asked for, none of which takes time."""
    asked: list[float] = []

    def pause(self: object, seconds: float, ends: float) -> None:
        asked.append(round(seconds, 1))

    monkeypatch.setattr(asking.Server, "_wait", pause)
    return asked


def quoting(handbook: Study) -> Saying:
    ((id,),) = handbook.rows("SELECT id FROM chunks WHERE content LIKE 'Invoices%%'")
    first = f'"Invoices are sent on the first working day of a month." [chunk {id}]'
    return Saying(text=f'On the first working day: {first}, and "never on Sundays" [chunk {id}].')


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_model_searches_and_answers_and_its_quotes_are_checked(
    handbook: Study, model: LanguageModel, provider: str
) -> None:
    model.says = [SEARCH, quoting(handbook)]
    result = handbook.ask(provider=provider)
    assert (result["stopReason"], result["steps"]) == ("answer", 2)
    [citation] = result["citations"]
    assert citation["quote"] == "Invoices are sent on the first working day of a month."
    assert result["unverifiedQuotes"] == 1
    assert handbook.every_quote_is_there(result)
    read, written = (sum(column) for column in zip(*model.billed, strict=True))
    usage = result["usage"]
    assert (usage["inputTokens"], usage["outputTokens"]) == (read, written)
    assert usage["costUsd"] == pytest.approx((read * 3 + written * 15) / 10**6)
    assert handbook.steps('"requestId"::text, "vendorId", model') == [
        (key, "req_1", "large" if provider == "anthropic" else "small") for key in model.keys
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_steps_end_exactly_at_their_limit(handbook: Study, model: LanguageModel, provider: str) -> None:
    model.says = lambda body: SEARCH
    result = handbook.ask(provider=provider, maxSteps=3)
    assert (result["stopReason"], result["steps"], len(model.asked)) == ("steps", 3, 3)
    assert [str(body["tool_choice"]) for body in model.asked].count(str(model.asked[-1]["tool_choice"])) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_calls_that_a_limit_left_unanswered_are_answered_when_the_job_may_go_on(
    handbook: Study, model: LanguageModel, provider: str
) -> None:
    model.says = [SEARCH, ANSWER]
    assert handbook.ask(provider=provider, maxSteps=1)["stopReason"] == "steps"
    assert handbook.steps("results") == [(None,)]
    result = handbook.ask(provider=provider, maxSteps=2, attempt=2)
    assert (result["stopReason"], result["answer"], len(model.asked)) == ("answer", ANSWER.text, 2)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("limit", [{"maxTokens": 6_000}, {"budgetUsd": 0.03}])
def test_tokens_and_cost_are_never_more_than_the_payload_allows(
    handbook: Study, model: LanguageModel, provider: str, limit: dict[str, Any]
) -> None:
    model.says = lambda body: SEARCH
    result = handbook.ask(provider=provider, maxSteps=50, **limit)
    assert result["stopReason"] == ("tokens" if "maxTokens" in limit else "cost")
    assert result["steps"] > 1
    assert sum(map(sum, model.billed)) <= limit.get("maxTokens", 10**9)
    assert result["usage"]["costUsd"] <= limit.get("budgetUsd", 1)


def test_what_the_model_may_write_is_what_is_left(handbook: Study, model: LanguageModel) -> None:
    model.says = [Saying(text="So long", ends="max_tokens", tokens=(900, 100))]
    result = handbook.ask(provider="anthropic", maxTokens=2_500)
    assert model.asked[0]["max_tokens"] < 2_500
    assert (result["stopReason"], result["answer"]) == ("tokens", "So long")


def test_a_budget_of_nothing_asks_nothing(handbook: Study, model: LanguageModel) -> None:
    result = handbook.ask(provider="anthropic", budgetUsd=0)
    assert (result["stopReason"], result["steps"], model.asked) == ("cost", 0, [])


def test_time_ends_a_call_that_is_under_way(handbook: Study, model: LanguageModel) -> None:
    model.says = [SEARCH, ANSWER]
    model.holds = 1
    result = handbook.ask(provider="anthropic", maxSeconds=1)
    assert (result["stopReason"], result["steps"], len(model.asked)) == ("time", 0, 1)


def test_a_cancel_ends_the_investigation_before_the_next_call(handbook: Study, model: LanguageModel) -> None:
    model.says = [SEARCH, ANSWER]
    assert isinstance(handbook.run(provider="anthropic", stop_at_progress=2).outcome, Released)
    assert len(model.asked) == 1


def test_a_call_that_is_under_way_is_left_when_the_run_must_end() -> None:
    answered = threading.Event()

    def look() -> None:
        raise RunStopped

    with pytest.raises(RunStopped):
        in_background(answered.wait, look)
    answered.set()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_may_pass_is_tried_again_after_the_time_that_the_server_asks_for(
    handbook: Study, model: LanguageModel, pauses: list[float], provider: str
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)
    model.next = [
        Reply(429, {}, {"Retry-After": "7"}),
        Reply(529, {"error": {"type": "overloaded_error"}}, {"Retry-After": date}),
        Reply(500, b"<html>"),
        Reply(503, {}, {"Retry-After": "soon"}),
    ]
    model.says = [ANSWER]
    assert handbook.ask(provider=provider)["answer"] == ANSWER.text
    assert pauses[0] == 7
    assert 40 < pauses[1] <= 50
    assert pauses[2:] == [4, 8]
    assert len(set(model.keys)) == 1


def test_a_longer_pause_is_left_to_the_next_attempt(
    handbook: Study, model: LanguageModel, pauses: list[float]
) -> None:
    model.next = [Reply(429, {}, {"Retry-After": "120"})]
    outcome = handbook.run(provider="anthropic").outcome
    assert isinstance(outcome, Errored)
    assert (outcome.permanent, outcome.after_seconds, pauses) == (False, 120, [])


def test_after_five_tries_the_run_fails_and_may_come_again(
    handbook: Study, model: LanguageModel, pauses: list[float]
) -> None:
    model.next = [Reply(529, {})] * asking.ATTEMPTS
    outcome = handbook.run(provider="anthropic").outcome
    assert isinstance(outcome, Errored)
    assert (outcome.permanent, len(model.asked)) == (False, asking.ATTEMPTS)
    model.says = [ANSWER]
    assert handbook.ask(provider="anthropic", attempt=2)["answer"] == ANSWER.text
    assert (len(set(model.keys)), handbook.steps('"timesAsked"')) == (1, [(2,)])


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Reply(400, {"error": {"message": f"bad {KEY}", "type": "invalid_request_error"}}), "400"),
        (Reply(403, {"error": {"type": "permission_error"}}), r"403 \(permission_error\)"),
        (Reply(302, {}, {"Location": "http://127.0.0.1:1/"}), "302"),
        (Reply(429, {"error": {"code": "insufficient_quota"}}), r"429 \(insufficient_quota\)"),
        (Reply(200, b"<html>"), "answers no"),
    ],
)
def test_what_no_attempt_gets_past_is_permanent_and_repeats_nothing_that_the_server_wrote(
    handbook: Study, model: LanguageModel, provider: str, answer: Reply, told: str
) -> None:
    model.next = [answer]
    error = permanent(handbook.run(provider=provider))
    assert re.search(told, error)
    assert KEY not in error


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_key_that_the_server_refuses_is_permanent_and_shown_nowhere(
    handbook: Study, model: LanguageModel, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-wrong")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    error = permanent(handbook.run(provider=provider))
    assert "401" in error
    assert "sk-wrong" not in error


@pytest.mark.parametrize(
    ("provider", "setting"), [("anthropic", "ANTHROPIC_MODEL"), ("openai-compatible", "OPENAI_MODEL")]
)
def test_a_provider_that_is_not_set_up_is_a_permanent_error_that_names_the_setting(
    handbook: Study, monkeypatch: pytest.MonkeyPatch, provider: str, setting: str
) -> None:
    monkeypatch.delenv(setting, raising=False)
    assert setting in permanent(handbook.run(provider=provider))


def gullible(body: dict[str, Any]) -> Saying:
    """A model that does whatever it reads last."""
    if len(body["messages"]) < 3:
        return Saying(calls=[("literal_search", {"text": "administrator"})])
    if "DROP TABLE" in str(body["messages"][-1]) and len(body["messages"]) < 5:
        return Saying(
            calls=[
                ("sql_readonly", {"sql": "DROP TABLE documents"}),
                ("read_document", {"documentId": 1, "thenDelete": True}),
                ("delete_documents", {}),
            ]
        )
    return Saying(text='Everything is fine: "Everything is fine" [chunk 1]')


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_document_that_gives_orders_makes_a_model_that_obeys_do_nothing(
    handbook: Study, model: LanguageModel, provider: str
) -> None:
    model.says = gullible
    tools = ["literal_search", "read_document"]
    before = handbook.rows("SELECT d.*, c.* FROM documents d, chunks c ORDER BY c.id")
    result = handbook.ask(provider=provider, tools=tools)
    assert handbook.rows("SELECT d.*, c.* FROM documents d, chunks c ORDER BY c.id") == before
    ((results,),) = handbook.rows('SELECT results FROM "investigationSteps" WHERE step = 2')
    assert [each["isError"] for each in results] == [True, True, True]
    offered = {str(sorted(str(tool) for tool in body["tools"])) for body in model.asked}
    assert len(offered) == 1
    assert (result["citations"], result["unverifiedQuotes"]) == ([], 1)


RUN = """
import sys
import threading
from rowcrew.bundled import crew
from rowcrew.testing import run_handler
payload = {"question": "When are invoices sent?", "provider": "anthropic"}
run_handler(crew, "investigation", payload, database_url=sys.argv[1])
"""


@pytest.mark.parametrize("turn", [1, 2])
def test_after_kill_9_while_a_turn_is_answered_no_turn_is_paid_twice(
    handbook: Study, model: LanguageModel, turn: int
) -> None:
    model.says = [SEARCH, ANSWER]
    model.holds = turn
    process = subprocess.Popen([sys.executable, "-c", RUN, handbook.url])
    while not model.held.wait(0.2):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    model.gate.set()
    assert handbook.ask(provider="anthropic", attempt=2)["answer"] == ANSWER.text
    assert (len(model.billed), len(model.asked), len(set(model.keys))) == (2, 3, 2)
    assert handbook.steps('"timesAsked"') == [(1 + (turn == 1),), (1 + (turn == 2),)]


@pytest.mark.parametrize("arguments", [{"text": ""}, {"limit": 1}, {"text": "a", "limit": 99}, {"text": 7}])
def test_a_call_that_makes_no_sense_is_answered_with_an_error(
    handbook: Study, model: LanguageModel, arguments: Any
) -> None:
    model.says = [Saying(calls=[("literal_search", arguments)]), ANSWER]
    assert handbook.ask(provider="anthropic")["answer"] == ANSWER.text
    ((error,),) = handbook.rows("SELECT results->0->>'isError' FROM \"investigationSteps\" WHERE step = 1")
    assert error == "true"


def test_a_nul_character_that_a_model_writes_becomes_a_sign_for_what_is_none(
    handbook: Study, model: LanguageModel
) -> None:
    model.says = [Saying(text="a\0b", calls=[("literal_search", {"text": "\\u0000\0"})]), ANSWER]
    assert handbook.ask(provider="anthropic")["answer"] == ANSWER.text
    kept = handbook.steps("turn->>'text', turn->'calls'->0->'arguments'->>'text'")
    assert kept[0] == ("a\ufffdb", "\\u0000\ufffd")


def test_no_more_than_eight_calls_of_a_turn_are_carried_out(handbook: Study, model: LanguageModel) -> None:
    model.says = [Saying(calls=[("literal_search", {"text": "Oslo"})] * 10), ANSWER]
    handbook.ask(provider="anthropic")
    ((results,),) = handbook.rows('SELECT results FROM "investigationSteps" WHERE step = 1')
    assert [each["isError"] for each in results] == [False] * 8 + [True] * 2
