"""All operations of the API, and the routes that carry them out.

In: what requests share. Out: routes below /api/v1. Called by `web/app.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import psycopg
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rowcrew.model.errors import RowcrewError
from rowcrew.model.new_job import PAYLOAD_BYTES
from rowcrew.trace_context import well_formed
from rowcrew.web.api import bulk, database, events, families, jobs, queues, schedules, trees, types, workers
from rowcrew.web.api.audit import note
from rowcrew.web.api.openapi import openapi
from rowcrew.web.api.operation import Answer, Given, Operation, Stream
from rowcrew.web.bodies import body_of
from rowcrew.web.documents import json_response, json_text, read_body, read_query
from rowcrew.web.login import user_of
from rowcrew.web.problems import Refused, answer_to
from rowcrew.web.shared import Shared
from rowcrew.web.tags import tags_in

PREFIX: Final = "/api/v1"
EVENTS: Final = "text/event-stream"
OPERATIONS: Final = (
    *jobs.OPERATIONS,
    *queues.OPERATIONS,
    *workers.OPERATIONS,
    *schedules.OPERATIONS,
    *trees.OPERATIONS,
    *types.OPERATIONS,
    *events.OPERATIONS,
    *bulk.OPERATIONS,
    *families.OPERATIONS,
    *database.OPERATIONS,
)

BODY_BYTES: Final = 2 * PAYLOAD_BYTES
"""A payload at its limit, and what JSON adds to characters that it escapes."""

Endpoint = Callable[[Request], Awaitable[Response]]


class EventStream(StreamingResponse):
    """Server-sent events, which are closed from here: a client may leave before a generator is begun, and one
    that never began runs no `finally`.
    """

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream.events, headers={"X-Accel-Buffering": "no"}, media_type=EVENTS)
        self._close = stream.close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()


def routes(shared: Shared) -> list[Route]:
    document = json_text(openapi(OPERATIONS, prefix=PREFIX))

    async def describe(_: Request) -> Response:
        return Response(document, media_type="application/json")

    return [
        Route(f"{PREFIX}/openapi.json", describe, methods=["GET"]),
        *(_route(path, shared) for path in dict.fromkeys(one.path for one in OPERATIONS)),
    ]


def _route(path: str, shared: Shared) -> Route:
    """One route for all methods of a path, so that a refusal names them all."""
    operations = [one for one in OPERATIONS if one.path == path]
    by_method: dict[str, Endpoint] = {one.method: _endpoint(one, shared) for one in operations}

    async def endpoint(request: Request) -> Response:
        return await by_method["GET" if request.method == "HEAD" else request.method](request)

    route = Route(PREFIX + path, endpoint, methods=list(by_method))
    if route.methods and any(one.streams for one in operations):
        route.methods.discard("HEAD")  # the head alone of what does not end would not end either
    return route


def _endpoint(operation: Operation, shared: Shared) -> Endpoint:
    links = shared.looking if operation.method == "GET" else shared.changing

    async def endpoint(request: Request) -> Response:
        try:
            given = await _given(request, operation, shared)
            async with links.lent() as link:
                answer = await operation.do(link, given)
                if operation.is_audited:
                    tells = answer.tells if isinstance(answer, Answer) else None
                    await note(link, operation, given, tells)
        except (RowcrewError, psycopg.Error) as error:
            return answer_to(error, shared.address)
        return _response(request, answer, hides=not given.user.sees_payloads)

    return endpoint


def _response(request: Request, answer: Answer | Stream, *, hides: bool) -> Response:
    if isinstance(answer, Stream):
        return EventStream(answer)
    headers = dict(answer.headers or {})
    if "Location" in headers:
        headers["Location"] = request.scope.get("root_path", "") + headers["Location"]
    if answer.tag is not None:
        headers["ETag"] = answer.tag
        if request.method == "GET" and answer.tag in tags_in(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
    if answer.status == 204:
        return Response(status_code=204, headers=headers)
    return json_response(answer.document, answer.status, headers, hides=hides)


async def _given(request: Request, operation: Operation, shared: Shared) -> Given:
    user = user_of(request.scope)
    if not user.may_act_as(operation.needs):
        raise Refused(403, f"{user.name} is {user.role}; this takes {operation.needs}")
    for name, value in request.path_params.items():
        if "\0" in value:
            raise Refused(404, f"{name}: has the character NUL, which no name has", field=name)
    query: Any = None
    if operation.query is not None:
        query = read_query(request.query_params.multi_items(), operation.query)
    elif request.query_params:
        name = next(iter(request.query_params))
        raise Refused(400, f"{name}: nothing is asked behind a question mark here", field=name)
    body = None if operation.body is None else read_body(await _json_body(request), operation.body)
    headers = request.headers
    return Given(
        shared,
        user,
        request.path_params,
        query,
        body,
        idempotency_key=headers.get("idempotency-key") if operation.takes_key else None,
        traceparent=well_formed(headers.get("traceparent")) if operation.takes_key else None,
        if_match=_wanted(headers.get("if-match")),
        last_event_id=headers.get("last-event-id"),
    )


def _wanted(if_match: str | None) -> frozenset[str] | None:
    return None if if_match is None or if_match.strip() == "*" else tags_in(if_match)


async def _json_body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "send the body as Content-Type: application/json", field="Content-Type")
    return await body_of(request, most=BODY_BYTES, field="payload")
