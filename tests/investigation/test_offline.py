"""An investigation without a model: it searches, reads on, quotes, keeps every step and heeds every limit."""

from __future__ import annotations

import pytest

from rowcrew.bundled import crew
from rowcrew.model.outcome import Released
from rowcrew.testing import run_handler
from tests.investigation.conftest import Study, permanent

TOOL = "turn->'calls'->0->>'tool'"


def test_it_searches_reads_and_answers_with_quotes_that_are_there(handbook: Study) -> None:
    run = handbook.run("When are invoices sent?")
    result = run.result
    assert result["stopReason"] == "answer"
    assert result["citations"][0]["quote"] == "Invoices are sent on the first working day of a month."
    assert handbook.every_quote_is_there(result)
    assert (result["steps"], result["unverifiedQuotes"], result["usage"]["costUsd"]) == (3, 0, 0)
    assert [each["message"] for each in run.progress] == [
        "Step 1 of 8",
        "Step 1 of 8: semantic_search",
        "Step 2 of 8",
        "Step 2 of 8: read_document",
        "Step 3 of 8",
    ]


def test_every_turn_is_kept_with_what_it_took_and_what_its_calls_gave(handbook: Study) -> None:
    result = handbook.ask()
    kept = handbook.steps(
        "step, provider, model, \"timesAsked\", turn->'calls'->0->>'tool', results IS NOT NULL"
    )
    assert kept == [
        (1, "offline", "offline", 1, "semantic_search", True),
        (2, "offline", "offline", 1, "read_document", True),
        (3, "offline", "offline", 1, None, False),
    ]
    ((read, written),) = handbook.rows(
        'SELECT sum("inputTokens"), sum("outputTokens") FROM "investigationSteps"'
    )
    assert (read, written) == (result["usage"]["inputTokens"], result["usage"]["outputTokens"])


def test_the_same_question_has_the_same_answer(handbook: Study) -> None:
    first = handbook.ask()
    handbook.rows('DELETE FROM "investigationSteps" RETURNING 1')
    again = handbook.ask()
    for result in (first, again):
        del result["usage"]["seconds"]
    assert first == again


def test_a_job_that_is_run_again_after_its_answer_asks_nothing(handbook: Study) -> None:
    first = handbook.ask()
    again = handbook.run(attempt=2)
    assert (again.result["answer"], again.progress) == (first["answer"], [])
    assert len(handbook.steps()) == 3


@pytest.mark.parametrize("stopped_at", [1, 2, 3, 4, 5])
def test_a_run_that_is_stopped_anywhere_is_gone_on_with_and_asks_for_no_turn_twice(
    handbook: Study, stopped_at: int
) -> None:
    expected = handbook.ask()
    handbook.rows('DELETE FROM "investigationSteps" RETURNING 1')
    stopped = handbook.run(stop_at_progress=stopped_at)
    assert isinstance(stopped.outcome, Released)
    before = dict(handbook.steps('step, "requestId"'))
    result = handbook.ask(attempt=2)
    assert (result["answer"], result["citations"]) == (expected["answer"], expected["citations"])
    assert before.items() <= dict(handbook.steps('step, "requestId"')).items()
    assert {times for (times,) in handbook.steps('"timesAsked"')} == {1}


@pytest.mark.parametrize(("most", "reason", "steps"), [(1, "answer", 1), (2, "answer", 2), (3, "answer", 3)])
def test_steps_are_what_the_payload_allows_and_the_last_one_answers(
    handbook: Study, most: int, reason: str, steps: int
) -> None:
    result = handbook.ask(maxSteps=most)
    assert (result["stopReason"], result["steps"], len(handbook.steps())) == (reason, steps, steps)


def test_tokens_are_never_more_than_the_payload_allows(handbook: Study) -> None:
    whole = handbook.ask()["usage"]
    all_tokens = whole["inputTokens"] + whole["outputTokens"]
    reasons = set()
    for most in range(1, all_tokens, all_tokens // 8):
        handbook.rows('DELETE FROM "investigationSteps" RETURNING 1')
        result = handbook.ask(maxTokens=most)
        reasons.add(result["stopReason"])
        assert result["usage"]["inputTokens"] + result["usage"]["outputTokens"] <= most
        assert handbook.every_quote_is_there(result)
    assert "tokens" in reasons
    handbook.rows('DELETE FROM "investigationSteps" RETURNING 1')
    assert handbook.ask(maxTokens=all_tokens)["stopReason"] == "answer"


def test_time_that_is_over_ends_it_with_what_is_there(handbook: Study) -> None:
    result = handbook.ask(maxSeconds=0.000001)
    assert (result["stopReason"], result["answer"], result["steps"]) == ("time", None, 0)


def test_documents_of_other_projects_are_not_seen(study: Study) -> None:
    study.add("secret.txt", "Invoices are sent at midnight to nobody.", project="other")
    result = study.ask()
    assert (result["answer"], result["citations"]) == ("The documents do not say.", [])
    study.rows('DELETE FROM "investigationSteps" RETURNING 1')
    assert "midnight" in study.ask(projectId="other")["answer"]


def test_a_document_that_gives_orders_is_quoted_and_not_obeyed(handbook: Study) -> None:
    result = handbook.ask("What must the administrator call with DROP TABLE documents?")
    assert handbook.every_quote_is_there(result)
    tools = {tool for (tool,) in handbook.steps(TOOL)}
    assert tools == {"semantic_search", "read_document", None}
    assert handbook.rows("SELECT count(*) FROM chunks") == [(3,)]


def test_only_the_tools_of_the_payload_are_used(handbook: Study) -> None:
    result = handbook.ask("Which reminder follows?", tools=["literal_search"])
    assert {tool for (tool,) in handbook.steps(TOOL)} == {"literal_search", None}
    assert result["citations"][0]["quote"] == "A reminder follows after fourteen days."


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"question": " "}, "question"),
        ({"question": "why?", "tools": ["shell"]}, "shell"),
        ({"question": "why?", "tools": []}, "tools"),
        ({"question": "why?", "provider": "oracle"}, "oracle"),
        ({"question": "why?", "maxSteps": 0}, "maxSteps"),
        ({"question": "why?", "budgetUsd": -1}, "budgetUsd"),
    ],
)
def test_what_makes_no_sense_is_a_permanent_error(payload: dict[str, object], told: str) -> None:
    assert told in permanent(run_handler(crew, "investigation", payload))
