"""The provider `openai-compatible`: chat completions of OpenAI, or of any server that speaks so, by HTTP.

In: a conversation. Out: the next turn. `request` and `reply` are the wire format, pure; the class sends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

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

_ENDED: Final[dict[str | None, Ended]] = {"length": "cut", "content_filter": "refused"}


class _Function(msgspec.Struct, frozen=True):
    """What is called; `arguments` is JSON in a string, as the model wrote it."""

    name: str
    arguments: str = ""


class _ToolCall(msgspec.Struct, frozen=True):
    """A call."""

    id: str
    function: _Function


class _Message(msgspec.Struct, frozen=True):
    """What the model says."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct, frozen=True):
    """One of the answers; one is asked for."""

    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct, frozen=True):
    """Tokens."""

    prompt_tokens: int
    completion_tokens: int


class _Completion(msgspec.Struct, frozen=True):
    """What the server answers; some servers do not say what it took."""

    choices: list[_Choice]
    usage: _Usage | None = None


class OpenaiCompatible:
    """Asks a server that speaks OpenAI's chat completions."""

    name = "openai-compatible"

    def __init__(self, *, url: str, key: str | None, model: str, prices: Prices, look: Look) -> None:
        self.model = model
        self.prices = prices
        self._server = Server(
            url=url.rstrip("/") + "/chat/completions",
            setting="OPENAI_BASE_URL",
            headers={"Authorization": f"Bearer {key}"} if key else {},
            look=look,
        )

    def input_tokens(self, conversation: Conversation) -> int:
        return counting.input_tokens(conversation)

    def ask(self, conversation: Conversation, *, request_id: str, most_output: int, seconds: float) -> Reply:
        body = request(conversation, self.model, most_output)
        answer = self._server.asked(body, request_id=request_id, seconds=seconds)
        return reply(answer.body, counting.input_tokens(conversation), answer.vendor_id)


def openai_compatible(look: Look) -> OpenaiCompatible:
    """The provider that the settings lead to.

    Raises:
        PermanentError: they lead to none.
    """
    settings = InvestigationSettings.read()
    if settings.openai_model is None:
        raise PermanentError("the provider openai-compatible needs OPENAI_MODEL, and it is not set")
    return OpenaiCompatible(
        url=settings.openai_url,
        key=settings.openai_key,
        model=settings.openai_model,
        prices=settings.openai_prices,
        look=look,
    )


def request(conversation: Conversation, model: str, most_output: int) -> dict[str, Any]:
    """The body of a request for the next turn."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": conversation.question}]
    for step in conversation.steps:
        messages += _messages(step)
    if conversation.is_last:
        messages.append({"role": "user", "content": LAST_STEP})
    tools = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema},
        }
        for tool in conversation.tools
    ]
    choice = "none" if conversation.is_last else "auto"
    return {
        "model": model,
        "max_completion_tokens": most_output,
        "messages": messages,
        **({"tools": tools, "tool_choice": choice} if tools else {}),
    }


def _messages(step: Step) -> Iterator[dict[str, Any]]:
    assert step.turn is not None
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {
                "name": call.tool,
                "arguments": msgspec.json.encode(call.arguments or {}).decode(),
            },
        }
        for call in step.turn.calls
    ]
    yield {"role": "assistant", "content": step.turn.text or None, "tool_calls": calls}
    for result in step.results or ():
        yield {"role": "tool", "tool_call_id": result.call_id, "content": result.content}


def reply(body: bytes, presumed_input: int, vendor_id: str | None = None) -> Reply:
    """What an answer says.

    Args:
        presumed_input: what it is taken to have read, if it does not say.

    Raises:
        PermanentError: it makes no sense.
    """
    try:
        completion = msgspec.json.decode(body, type=_Completion)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PermanentError(f"the server of OPENAI_BASE_URL answers no completion: {error}") from error
    if not completion.choices:
        raise PermanentError("the server of OPENAI_BASE_URL answers no completion: it has no choice")
    choice = completion.choices[0]
    message = choice.message
    usage = completion.usage or _Usage(presumed_input, counting.counted(body.decode()))
    calls = [_call(each) for each in message.tool_calls or ()]
    ended: Ended = "refused" if message.refusal else _ENDED.get(choice.finish_reason, "whole")
    return Reply(
        turn=Turn(text=message.content or message.refusal or "", calls=tuple(calls), ended=ended),
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        vendor_id=vendor_id,
    )


def _call(each: _ToolCall) -> Call:
    """A call, whose arguments may be no JSON, because a model wrote them."""
    try:
        arguments = msgspec.json.decode(each.function.arguments or "{}", type=dict[str, Any])
    except msgspec.MsgspecError:
        return Call(id=each.id, tool=each.function.name, arguments=None)
    return Call(id=each.id, tool=each.function.name, arguments=arguments)
