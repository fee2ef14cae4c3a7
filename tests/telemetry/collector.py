"""A collector of OpenTelemetry, as far as a test needs one: it parses what real exporters send to it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from rig.http_place import Reply, Request, served


class Span(NamedTuple):
    """What a test asks of a span; ids are hexadecimal, as in a traceparent."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    seconds: float
    failed: bool
    attributes: dict[str, Any]
    links: list[str]
    events: list[dict[str, Any]]
    service: str


class Collector(NamedTuple):
    """The address of a collector, and what it has received."""

    address: str
    spans: list[Span]

    def of(self, job: int, what: str) -> list[Span]:
        """The spans of a job, of its waits or its runs (`process`)."""
        return [
            span
            for span in self.spans
            if span.name.startswith(f"{what} ") and span.attributes.get("messaging.message.id") == str(job)
        ]


@contextmanager
def collecting() -> Iterator[Collector]:
    spans: list[Span] = []

    def play(request: Request) -> Reply:
        assert request.path == "/v1/traces"
        content = request.content
        if request.headers.get("content-encoding") == "gzip":
            content = gzip.decompress(content)
        spans.extend(parsed(content))
        return Reply(200, b"", {})

    with served(play) as address:
        yield Collector(address, spans)


def parsed(content: bytes) -> list[Span]:
    return [
        _span(one, _values(resource.resource.attributes)["service.name"])
        for resource in ExportTraceServiceRequest.FromString(content).resource_spans
        for scope in resource.scope_spans
        for one in scope.spans
    ]


def _span(one: Any, service: str) -> Span:
    return Span(
        name=one.name,
        trace_id=one.trace_id.hex(),
        span_id=one.span_id.hex(),
        parent_id=one.parent_span_id.hex(),
        kind=one.kind,
        seconds=(one.end_time_unix_nano - one.start_time_unix_nano) / 1e9,
        failed=one.status.code == one.status.STATUS_CODE_ERROR,
        attributes=_values(one.attributes),
        links=[link.span_id.hex() for link in one.links],
        events=[_values(event.attributes) for event in one.events],
        service=service,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes}
