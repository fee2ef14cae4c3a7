"""A server of language models that speaks and refuses as Anthropic's and OpenAI's do.

In: what it shall say, turn by turn. Out: its address, what it was asked, and what it billed: a request whose
`Idempotency-Key` it has answered is answered again without a bill. Used by tests and by storms.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rig.http_place import Reply, Request, served

KEY = "sk-canary-1234567890"
Body = dict[str, Any]


class Refused(Exception):
    """What the vendors answer 400 to; its text is for whoever reads the failed test."""


@dataclass
class Saying:
    """What the model says in one turn."""

    text: str = ""
    calls: Sequence[tuple[str, Any]] = ()
    ends: str | None = None
    tokens: tuple[int, int] | None = None


@dataclass
class LanguageModel:
    """The model behind the server.

    Attributes:
        says: what it says next, or what decides that from the body of the request.
        next: answers that come instead, once each.
        asked: the bodies of all requests, and `keys` their idempotency keys.
        billed: input and output tokens of each answer that was not given before.
        holds: the number of the answer that is billed, and then held back until `gate` is set.
        held: set once an answer is held back.
    """

    says: list[Saying] | Callable[[Body], Saying] = field(default_factory=list)
    next: list[Reply] = field(default_factory=list)
    asked: list[Body] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    billed: list[tuple[int, int]] = field(default_factory=list)
    holds: int | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    _given: dict[str, Any] = field(default_factory=dict)

    def answer(self, path: str, headers: Mapping[str, str], body: Body) -> Reply:
        is_anthropic = path == "/v1/messages"
        if path not in ("/v1/messages", "/v1/chat/completions"):
            return Reply(404, {"error": {"message": path, "type": "not_found_error"}})
        key = headers.get("x-api-key") if is_anthropic else headers.get("authorization")
        if key not in (KEY, f"Bearer {KEY}"):
            kind = "authentication_error" if is_anthropic else "invalid_api_key"
            return Reply(401, {"error": {"message": f"bad key {key}", "type": kind, "code": kind}})
        self.asked.append(body)
        self.keys.append(headers.get("idempotency-key", ""))
        if self.next:
            return self.next.pop(0)
        try:
            if is_anthropic:
                refuse_anthropic(body, headers.get("anthropic-version", ""))
            else:
                refuse_openai(body)
        except (Refused, KeyError, TypeError) as error:
            return Reply(400, {"error": {"message": str(error), "type": "invalid_request_error"}})
        answer = self._said(body, is_anthropic=is_anthropic)
        if len(self.billed) == self.holds:
            self.held.set()
            self.gate.wait(30)
        return Reply(200, answer, {"request-id": "req_1", "x-request-id": "req_1"})

    def _said(self, body: Body, *, is_anthropic: bool) -> Any:
        key = self.keys[-1]
        if key not in self._given:
            saying = self.says(body) if callable(self.says) else self.says.pop(0)
            most = body["max_tokens" if is_anthropic else "max_completion_tokens"]
            tokens = saying.tokens or (len(json.dumps(body)) // 4, min(most, 40))
            self.billed.append(tokens)
            said = anthropic_message if is_anthropic else openai_completion
            self._given[key] = said(saying, tokens, len(self.billed))
        return self._given[key]


def anthropic_message(saying: Saying, tokens: tuple[int, int], number: int) -> Any:
    """An answer of Anthropic's Messages API."""
    words = [{"type": "text", "text": saying.text, "citations": None}] if saying.text else []
    uses = [
        {"type": "tool_use", "id": f"toolu_{number}_{place}", "name": name, "input": arguments}
        for place, (name, arguments) in enumerate(saying.calls)
    ]
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": "large",
        "content": [*words, *uses],
        "stop_reason": saying.ends or ("tool_use" if uses else "end_turn"),
        "stop_sequence": None,
        "usage": {"input_tokens": tokens[0], "output_tokens": tokens[1]},
    }


def openai_completion(saying: Saying, tokens: tuple[int, int], number: int) -> Any:
    """An answer of OpenAI's chat completions."""
    calls = [
        {
            "id": f"call_{number}_{place}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
            },
        }
        for place, (name, arguments) in enumerate(saying.calls)
    ]
    message = {"role": "assistant", "content": saying.text or None, "refusal": None}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "small",
        "choices": [
            {
                "index": 0,
                "message": {**message, **({"tool_calls": calls} if calls else {})},
                "logprobs": None,
                "finish_reason": saying.ends or ("tool_calls" if calls else "stop"),
            }
        ],
        "usage": {
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[1],
            "total_tokens": sum(tokens),
        },
    }


def refuse_anthropic(body: Body, version: str = "2023-06-01") -> None:
    """Raise what the Messages API says to a request that it does not take."""
    _must(version == "2023-06-01", "anthropic-version: header is required")
    _only(body, "model max_tokens system messages tools tool_choice")
    tools = body.get("tools", ())
    _must(body["max_tokens"] >= 1, "max_tokens: must be at least 1")
    _tool_names([tool["name"] for tool in tools])
    _must(
        all(tool["input_schema"]["type"] == "object" for tool in tools), "input_schema.type: Field required"
    )
    _must("tool_choice" not in body or tools, "tool_choice may only be specified while providing tools")
    _must(len(body["messages"]) % 2, "This model does not support assistant message prefill")
    waiting: list[str] = []
    for place, message in enumerate(body["messages"]):
        _must(message["role"] == ("user", "assistant")[place % 2], "messages: roles must alternate")
        waiting = _refuse_blocks(message["content"], waiting)


def _refuse_blocks(blocks: list[Any], waiting: list[str]) -> list[str]:
    """The ids of the calls among these blocks, which must begin with the results of those that wait."""
    results = [block.get("tool_use_id") for block in blocks[: len(waiting)]]
    count = sum(block["type"] == "tool_result" for block in blocks)
    _must(results == waiting and count == len(waiting), "tool_use ids were found without tool_result blocks")
    words = [block["text"] for block in blocks if block["type"] == "text"]
    _must(all(text.strip() for text in words), "text content blocks must contain non-whitespace text")
    ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
    _must(all(re.fullmatch("[a-zA-Z0-9_-]+", id) for id in ids), "tool_use.id: String should match pattern")
    return ids


def refuse_openai(body: Body) -> None:
    """Raise what chat completions says to a request that it does not take."""
    _only(body, "model max_completion_tokens messages tools tool_choice")
    _must(body["max_completion_tokens"] >= 1, "Invalid 'max_completion_tokens': below minimum value")
    _tool_names([tool["function"]["name"] for tool in body.get("tools", ()) if tool["type"] == "function"])
    waiting: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            _must(message["tool_call_id"] in waiting, "messages with role 'tool' must follow 'tool_calls'")
            _must(isinstance(message["content"], str), "Invalid type for 'content': expected a string")
            waiting.remove(message["tool_call_id"])
        else:
            _must(not waiting, "'tool_calls' must be followed by tool messages")
            waiting = _refuse_said(message)
    _must(not waiting, "'tool_calls' must be followed by tool messages")


def _refuse_said(message: Any) -> list[str]:
    """The ids of the calls of a message that is no result of one."""
    calls = message.get("tool_calls")
    _must(message["role"] in ("system", "user", "assistant"), f"Invalid value: '{message['role']}'")
    _must(calls or message["content"], "Invalid value for 'content': expected a string")
    _must(calls != [], "Invalid 'messages.tool_calls': empty array")
    for call in calls or ():
        json.loads(call["function"]["arguments"])
    return [call["id"] for call in calls or ()]


def _must(holds: object, told: str) -> None:
    if not holds:
        raise Refused(told)


def _only(body: Body, names: str) -> None:
    _must(set(body) <= set(names.split()), f"{sorted(body)}: Extra inputs are not permitted")


def _tool_names(names: Sequence[str]) -> None:
    fit = all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", name) for name in names)
    _must(fit and len(set(names)) == len(names), "tools: names must be unique and match a pattern")


@contextmanager
def serving(model: LanguageModel) -> Iterator[LanguageModel]:
    """The model behind a server, for as long as the block runs."""

    def play(request: Request) -> Reply:
        return model.answer(request.path, request.headers, request.json)

    with served(play) as address:
        model.url = address
        try:
            yield model
        finally:
            model.gate.set()
