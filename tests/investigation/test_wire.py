"""The wire formats: vendors take what is sent, and their answers are read as their own libraries do.

The libraries are imported by the tests that need them: every process collects this file, and one runs it.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from rig.language_models import (
    Refused,
    Saying,
    anthropic_message,
    openai_completion,
    refuse_anthropic,
    refuse_openai,
)
from rowcrew.bundled.investigation.conversation import (
    LAST_STEP,
    Call,
    Conversation,
    Step,
    ToolDescription,
    ToolResult,
    Turn,
    Usage,
)
from rowcrew.bundled.investigation.providers import anthropic, openai_compatible
from rowcrew.context import PermanentError

TOOL = ToolDescription(name="read_document", description="Read.", schema={"type": "object", "properties": {}})


def conversation(*, is_last: bool = False, text: str = "I look.") -> Conversation:
    calls = (
        Call(id="one", tool="read_document", arguments={"documentId": 1}),
        Call(id="two", tool="unheard_of", arguments=None),
    )
    results = (
        ToolResult(call_id="one", content='[{"text":"Oslo"}]'),
        ToolResult(call_id="two", content='{"error":"no such tool"}', is_error=True),
    )
    step = Step(
        number=1,
        request_id="r",
        turn=Turn(text=text, calls=calls),
        usage=Usage(input_tokens=10, output_tokens=5, cost_usd=Decimal(0)),
        results=results,
    )
    return Conversation(question="Where?", tools=[TOOL], steps=[step], is_last=is_last)


@pytest.mark.parametrize("is_last", [False, True])
@pytest.mark.parametrize("text", ["I look.", "", " \n"])
def test_both_vendors_take_a_conversation(is_last: bool, text: str) -> None:
    refuse_anthropic(anthropic.request(conversation(is_last=is_last, text=text), "large", 100))
    refuse_openai(openai_compatible.request(conversation(is_last=is_last, text=text), "small", 100))


def test_anthropic_gets_calls_and_their_results_in_blocks() -> None:
    body = anthropic.request(conversation(), "large", 100)
    first, said, results = body["messages"]
    assert first == {"role": "user", "content": [{"type": "text", "text": "Where?"}]}
    assert said["content"][1] == {
        "type": "tool_use",
        "id": "one",
        "name": "read_document",
        "input": {"documentId": 1},
    }
    assert [(block["tool_use_id"], block["is_error"]) for block in results["content"]] == [
        ("one", False),
        ("two", True),
    ]
    assert (body["max_tokens"], body["tool_choice"]) == (100, {"type": "auto"})


def test_openai_gets_calls_with_arguments_in_a_string_and_a_message_for_each_result() -> None:
    body = openai_compatible.request(conversation(), "small", 100)
    system, first, said, *results = body["messages"]
    assert (system["role"], first["content"]) == ("system", "Where?")
    assert said["tool_calls"][0]["function"] == {"name": "read_document", "arguments": '{"documentId":1}'}
    assert [(each["role"], each["tool_call_id"]) for each in results] == [("tool", "one"), ("tool", "two")]
    assert (body["max_completion_tokens"], body["tool_choice"]) == (100, "auto")


def test_in_the_last_step_no_tool_can_be_called() -> None:
    body = anthropic.request(conversation(is_last=True), "large", 100)
    assert body["tool_choice"] == {"type": "none"}
    assert body["messages"][-1]["content"][-1] == {"type": "text", "text": LAST_STEP}
    body = openai_compatible.request(conversation(is_last=True), "small", 100)
    assert (body["tool_choice"], body["messages"][-1]["content"]) == ("none", LAST_STEP)


SAYINGS = [
    Saying(text="In Oslo."),
    Saying(text="I look.", calls=[("read_document", {"documentId": 1}), ("literal_search", {"text": "ü"})]),
    Saying(text="In Os", ends="max_tokens"),
]


@pytest.mark.parametrize("saying", SAYINGS)
def test_an_answer_of_anthropic_is_read_as_its_own_library_reads_it(saying: Saying) -> None:
    from anthropic.types import Message

    body = json.dumps(anthropic_message(saying, (120, 30), 1)).encode()
    theirs = Message.model_validate_json(body)
    ours = anthropic.reply(body)
    assert ours.turn.text == "".join(block.text for block in theirs.content if block.type == "text")
    assert [(call.id, call.tool, call.arguments) for call in ours.turn.calls] == [
        (block.id, block.name, block.input) for block in theirs.content if block.type == "tool_use"
    ]
    assert (ours.input_tokens, ours.output_tokens) == (theirs.usage.input_tokens, theirs.usage.output_tokens)
    assert (ours.turn.ended == "cut") is (theirs.stop_reason == "max_tokens")


@pytest.mark.parametrize("saying", SAYINGS)
def test_an_answer_of_openai_is_read_as_its_own_library_reads_it(saying: Saying) -> None:
    from openai.types.chat import ChatCompletion

    if saying.ends:
        saying = Saying(text=saying.text, ends="length")
    body = json.dumps(openai_completion(saying, (120, 30), 1)).encode()
    theirs = ChatCompletion.model_validate_json(body)
    ours = openai_compatible.reply(body, presumed_input=0)
    [choice] = theirs.choices
    assert ours.turn.text == (choice.message.content or "")
    assert [(call.id, call.tool, json.dumps(call.arguments)) for call in ours.turn.calls] == [
        (call.id, call.function.name, call.function.arguments)
        for call in choice.message.tool_calls or ()
        if call.type == "function"
    ]
    assert theirs.usage is not None
    assert (ours.input_tokens, ours.output_tokens) == (120, theirs.usage.completion_tokens)
    assert (ours.turn.ended == "cut") is (choice.finish_reason == "length")


def test_tokens_from_a_cache_are_tokens_and_blocks_of_other_kinds_are_passed_over() -> None:
    answer = anthropic_message(Saying(text="Yes."), (10, 5), 1)
    answer["content"].insert(0, {"type": "thinking", "thinking": "hm", "signature": "s"})
    answer["usage"] |= {"cache_creation_input_tokens": 100, "cache_read_input_tokens": 1_000}
    reply = anthropic.reply(json.dumps(answer).encode())
    assert (reply.turn.text, reply.input_tokens) == ("Yes.", 1_110)


def test_a_refusal_is_one_in_either_format() -> None:
    refused = anthropic_message(Saying(text="No.", ends="refusal"), (10, 5), 1)
    assert anthropic.reply(json.dumps(refused).encode()).turn.ended == "refused"
    filtered = openai_completion(Saying(text="", ends="content_filter"), (10, 5), 1)
    assert openai_compatible.reply(json.dumps(filtered).encode(), 0).turn.ended == "refused"


def test_arguments_that_are_no_json_object_are_known_as_none() -> None:
    saying = Saying(
        calls=[("read_document", '{"documentId": 1'), ("read_document", "[1]"), ("read_document", "")]
    )
    turn = openai_compatible.reply(json.dumps(openai_completion(saying, (1, 1), 1)).encode(), 0).turn
    assert [call.arguments for call in turn.calls] == [None, None, {}]


def test_a_server_that_does_not_say_what_it_took_is_counted_generously() -> None:
    answer = openai_completion(Saying(text="Yes."), (1, 1), 1)
    del answer["usage"]
    body = json.dumps(answer).encode()
    reply = openai_compatible.reply(body, presumed_input=77)
    assert (reply.input_tokens, reply.output_tokens) == (77, -(-len(body) // 3))


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"<html>", b'{"choices": []}', b"\xff", b'{"type": "error"}']
)
def test_an_answer_that_makes_no_sense_is_a_permanent_error(body: bytes) -> None:
    with pytest.raises(PermanentError, match="ANTHROPIC_BASE_URL"):
        anthropic.reply(body)
    with pytest.raises(PermanentError, match="OPENAI_BASE_URL"):
        openai_compatible.reply(body, 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body["messages"].pop(),
        lambda body: body["messages"][-1]["content"].pop(),
        lambda body: body.update(max_tokens=0),
        lambda body: body.update(temperature=1, top=2),
        lambda body: body["messages"][0]["content"].append({"type": "text", "text": " "}),
        lambda body: body["tools"].append(body["tools"][0]),
    ],
)
def test_the_rig_refuses_what_anthropic_refuses(spoil: Any) -> None:
    body = anthropic.request(conversation(), "large", 100)
    spoil(body)
    with pytest.raises(Refused):
        refuse_anthropic(body)
