"""The provider `anthropic`: the Messages API, by plain HTTP.

In: a conversation. Out: the next turn. `request` and `reply` are the wire format, pure; the class sends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from rowcrew.bundled.investigation.conversation import (
    LAST_STEP,
    SYSTEM,
    Call,
    Conversation,
    Ended,
    Step,
    Turn,
)
from rowcrew.bundled.investigation.providers import counting
from rowcrew.bundled.investigation.providers.asking import Server
from rowcrew.bundled.investigation.providers.provider import Look, Reply
from rowcrew.bundled.investigation.settings import InvestigationSettings, Prices
from rowcrew.context import PermanentError

VERSION: Final = "2023-06-01"
_ENDED: Final[dict[str | None, Ended]] = {
    "max_tokens": "cut",
    "model_context_window_exceeded": "cut",
    "refusal": "refused",
}


class _Text(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """Words."""

    text: str


class _ToolUse(msgspec.Struct, frozen=True, tag_field="type", tag="tool_use"):
    """A call."""

    id: str
    name: str
    input: dict[str, Any]


class _Usage(msgspec.Struct, frozen=True):
    """Tokens; those of a cache are read as well."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class _Message(msgspec.Struct, frozen=True):
    """What the server answers; blocks of other kinds are not read."""

    type: Literal["message"]
    content: list[msgspec.Raw]
    stop_reason: str | None
    usage: _Usage


class _Kind(msgspec.Struct, frozen=True):
    """The kind of a block."""

    type: str


class Anthropic:
    """Asks a server that speaks Anthropic's Messages API."""

    name = "anthropic"

    def __init__(self, *, url: str, key: str, model: str, prices: Prices, look: Look) -> None:
        self.model = model
        self.prices = prices
        self._server = Server(
            url=url.rstrip("/") + "/v1/messages",
            setting="ANTHROPIC_BASE_URL",
            headers={"x-api-key": key, "anthropic-version": VERSION},
            look=look,
        )

    def input_tokens(self, conversation: Conversation) -> int:
        return counting.input_tokens(conversation)

    def ask(self, conversation: Conversation, *, request_id: str, most_output: int, seconds: float) -> Reply:
        body = request(conversation, self.model, most_output)
        answer = self._server.asked(body, request_id=request_id, seconds=seconds)
        return reply(answer.body, answer.vendor_id)


def anthropic(look: Look) -> Anthropic:
    """The provider that the settings lead to.

    Raises:
        PermanentError: they lead to none.
    """
    settings = InvestigationSettings.read()
    if settings.anthropic_key is None or settings.anthropic_model is None:
        raise PermanentError(
            "the provider anthropic needs ANTHROPIC_API_KEY and ANTHROPIC_MODEL, and they are not set"
        )
    return Anthropic(
        url=settings.anthropic_url,
        key=settings.anthropic_key,
        model=settings.anthropic_model,
        prices=settings.anthropic_prices,
        look=look,
    )


def request(conversation: Conversation, model: str, most_output: int) -> dict[str, Any]:
    """The body of a request for the next turn."""
    messages = [{"role": "user", "content": [{"type": "text", "text": conversation.question}]}]
    for step in conversation.steps:
        messages += _messages(step)
    if conversation.is_last:
        messages[-1]["content"].append({"type": "text", "text": LAST_STEP})  # type: ignore[attr-defined]
    tools = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.schema}
        for tool in conversation.tools
    ]
    choice = {"type": "none" if conversation.is_last else "auto"}
    return {
        "model": model,
        "max_tokens": most_output,
        "system": SYSTEM,
        "messages": messages,
        **({"tools": tools, "tool_choice": choice} if tools else {}),
    }


def _messages(step: Step) -> Iterator[dict[str, Any]]:
    assert step.turn is not None
    # The server refuses words that are only blanks.
    words = [{"type": "text", "text": step.turn.text}] if step.turn.text.strip() else []
    calls = [
        {"type": "tool_use", "id": call.id, "name": call.tool, "input": call.arguments or {}}
        for call in step.turn.calls
    ]
    yield {"role": "assistant", "content": [*words, *calls]}
    results = [
        {
            "type": "tool_result",
            "tool_use_id": result.call_id,
            "content": result.content,
            "is_error": result.is_error,
        }
        for result in step.results or ()
    ]
    yield {"role": "user", "content": results}


def reply(body: bytes, vendor_id: str | None = None) -> Reply:
    """What an answer says.

    Raises:
        PermanentError: it makes no sense.
    """
    try:
        message = msgspec.json.decode(body, type=_Message)
        kinds = [(msgspec.json.decode(block, type=_Kind).type, block) for block in message.content]
        words = [msgspec.json.decode(block, type=_Text).text for kind, block in kinds if kind == "text"]
        uses = [msgspec.json.decode(block, type=_ToolUse) for kind, block in kinds if kind == "tool_use"]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PermanentError(f"the server of ANTHROPIC_BASE_URL answers no message: {error}") from error
    usage = message.usage
    return Reply(
        turn=Turn(
            text="".join(words),
            calls=tuple(Call(id=use.id, tool=use.name, arguments=use.input) for use in uses),
            ended=_ENDED.get(message.stop_reason, "whole"),
        ),
        input_tokens=usage.input_tokens
        + (usage.cache_creation_input_tokens or 0)
        + (usage.cache_read_input_tokens or 0),
        output_tokens=usage.output_tokens,
        vendor_id=vendor_id,
    )
