"""A server of language models that speaks and refuses as OpenAI's `/v1/chat/completions` does.

In: requests on a real socket. Out: a completion that the test has chosen, or the refusal that OpenAI sends:
of keys, of models, of fields, and of JSON Schemas outside what its strict mode takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from rig.http_place import Reply, Request, served

KEY: Final = "sk-canary-0987654321"
MODEL: Final = "reader-1"
Json = dict[str, Any]
# https://platform.openai.com/docs/guides/structured-outputs, in the part that all who enforce a schema share.
_TAKEN: Final = frozenset(
    ["type", "description", "properties", "required", "additionalProperties", "items", "enum", "anyOf"]
) | {"$ref", "$defs"}
_FIELDS: Final = frozenset(("model", "messages", "response_format"))
_MOST_CHARACTERS: Final = 400_000


class ChatServer:
    """What the server says next, and what it was asked.

    Attributes:
        says: the content of its next answers; the last one stays.
        troubles: whole answers that come before those.
        finish_reason, refusal: of every answer.
    """

    def __init__(self) -> None:
        self.asked: list[Json] = []
        self.says: list[Any] = []
        self.troubles: list[Reply] = []
        self.finish_reason = "stop"
        self.refusal: str | None = None
        self.url = ""

    def answer(self, path: str, key: str, body: Json) -> Reply:
        if self.troubles:
            return self.troubles.pop(0)
        if refused := self._refused(path, key, body):
            return refused
        self.asked.append(body)
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        content = said if isinstance(said, str) else json.dumps(said)
        message = {"role": "assistant", "content": None if self.refusal else content, "refusal": self.refusal}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        told = {"id": "c-1", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage}
        return Reply(200, told)

    def _refused(self, path: str, key: str, body: Json) -> Reply | None:
        if path != "/v1/chat/completions":
            return _error(404, f"Invalid URL (POST {path})", None)
        if key != f"Bearer {KEY}":
            return _error(401, f"Incorrect API key provided: {key}", "invalid_api_key")
        if body.get("model") != MODEL:
            return _error(404, f"The model {body.get('model')} does not exist", "model_not_found")
        if unknown := set(body) - _FIELDS:
            return _error(400, f"Unrecognized request argument supplied: {unknown}", None)
        if sum(len(one["content"]) for one in body["messages"]) > _MOST_CHARACTERS:
            return _error(400, "This model's maximum context length is exceeded", "context_length_exceeded")
        told = body["response_format"]["json_schema"]
        objection = next(_objections(told["schema"], ()), None) if told["strict"] else None
        if told["schema"].get("type") != "object":
            objection = "schema must be a JSON Schema of 'type: \"object\"'"
        if objection:
            return _error(400, f"Invalid schema for response_format '{told['name']}': {objection}", None)
        return None


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """A server on a port of its own."""
    told = ChatServer()

    def play(request: Request) -> Reply:
        return told.answer(request.path, request.headers.get("authorization", ""), request.json)

    with served(play) as address:
        told.url = f"{address}/v1"
        yield told


def _error(status: int, message: str, code: str | None) -> Reply:
    return Reply(status, {"error": {"message": message, "type": "invalid_request_error", "code": code}})


def _objections(part: Any, place: tuple[str, ...]) -> Iterator[str]:
    """Why the strict mode does not take a schema."""
    context = f"In context={place}, "
    if unknown := set(part) - _TAKEN:
        yield f"{context}{sorted(unknown)} is not permitted"
    if not set(part) & {"type", "anyOf", "$ref"}:
        yield f"{context}schema must have a 'type' key"
    if part.get("type") == "object":
        if part.get("additionalProperties") is not False:
            yield f"{context}'additionalProperties' is required to be supplied and to be false"
        if missing := set(part["properties"]) ^ set(part.get("required", ())):
            yield f"{context}'required' must include every key in properties. Missing {sorted(missing)}"
    for name, inner in (*part.get("properties", {}).items(), *part.get("$defs", {}).items()):
        yield from _objections(inner, (*place, name))
    for inner in (*part.get("anyOf", ()), *([part["items"]] if "items" in part else [])):
        yield from _objections(inner, place)
