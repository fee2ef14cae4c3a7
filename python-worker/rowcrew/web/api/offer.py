"""All operations of the API, and the routes that carry them out.

In: links, and the database's address for error texts. Out: routes below /api/v1. Called by `web/app.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import psycopg
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from rowcrew.model.errors import RowcrewError
from rowcrew.model.new_job import PAYLOAD_BYTES
from rowcrew.web.api import jobs, queues, schedules, workers
from rowcrew.web.api.openapi import openapi
from rowcrew.web.api.operation import Given, Operation
from rowcrew.web.documents import json_response, read_body, read_query
from rowcrew.web.links import Links
from rowcrew.web.problems import Refused, answer_to

PREFIX: Final = "/api/v1"
OPERATIONS: Final = (
    *jobs.OPERATIONS,
    *queues.OPERATIONS,
    *workers.OPERATIONS,
    *schedules.OPERATIONS,
)

BODY_BYTES: Final = 2 * PAYLOAD_BYTES
"""A payload at its limit, and what JSON adds to characters that it escapes."""

BODY_SECONDS: Final = 10.0

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(looking: Links, changing: Links, address: str) -> list[Route]:
    document = openapi(OPERATIONS, prefix=PREFIX)

    def links_of(operation: Operation) -> Links:
        return looking if operation.method == "GET" else changing

    async def describe(_: Request) -> Response:
        return json_response(document)

    return [
        Route(f"{PREFIX}/openapi.json", describe, methods=["GET"]),
        *(
            Route(PREFIX + one.path, _endpoint(one, links_of(one), address), methods=[one.method])
            for one in OPERATIONS
        ),
    ]


def _endpoint(operation: Operation, links: Links, address: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            given = await _given(request, operation)
            async with links.lent() as link:
                answer = await operation.do(link, given)
        except (RowcrewError, psycopg.Error) as error:
            return answer_to(error, address)
        return json_response(answer.document, answer.status, answer.headers)

    return endpoint


async def _given(request: Request, operation: Operation) -> Given:
    query: Any = None
    if operation.query is not None:
        query = read_query(request.query_params.multi_items(), operation.query)
    elif request.query_params:
        name = next(iter(request.query_params))
        raise Refused(400, f"{name}: nothing is asked behind a question mark here", field=name)
    body = None if operation.body is None else read_body(await _json_body(request), operation.body)
    key = request.headers.get("idempotency-key") if operation.takes_key else None
    return Given(request.path_params, query, body, key)


async def _json_body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "send the body as Content-Type: application/json", field="Content-Type")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _bounded_body(request)
    except TimeoutError:
        raise Refused(408, f"the body had not come after {BODY_SECONDS:g} seconds") from None
    except ClientDisconnect:
        raise Refused(400, "the client left before its body had come") from None


async def _bounded_body(request: Request) -> bytes:
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > BODY_BYTES:
            raise Refused(
                413, f"the body is larger than {BODY_BYTES} bytes: enqueue a reference", field="payload"
            )
    return bytes(content)
