"""Traces of runs by OpenTelemetry: enqueue, wait and run in one trace, across processes and languages.

In: a crew. Out: two spans for every run, of the wait and of the run itself, in the trace that the job's
`traceparent` names. Called by a crew's own module; needs the extra `otel`. Producers' spans are made in
`trace_context`.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Final

try:
    from opentelemetry import context as otel_context
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("traces need OpenTelemetry: pip install 'rowcrew[otel]'") from error

from rowcrew.crew import Crew
from rowcrew.observers import Ending, ObservedRun, RunEnd
from rowcrew.trace_context import SYSTEM

FLUSH_SECONDS: Final = 2.0

_PROPAGATOR: Final = TraceContextTextMapPropagator()


def trace_runs(crew: Crew, *, provider: Any = None, flush_timeout: float | timedelta = FLUSH_SECONDS) -> None:
    """Make spans of all runs of the runner that loads this crew.

    Args:
        provider: makes and exports the spans; by default the one that is set for the process, and if none is,
            one that sends them by OTLP over HTTP, as the variables `OTEL_*` say.
        flush_timeout: how long a runner that leaves may take to send what it has.
    """
    provider = provider or _provider()
    crew.observe(_Spans(provider.get_tracer("rowcrew")))

    @crew.on_shutdown(timeout=flush_timeout)
    def send_spans() -> None:
        if hasattr(provider, "force_flush"):  # only the SDK's has one
            provider.force_flush()


def _provider() -> Any:
    """Asked for by name: a program's own provider need not be the SDK's."""
    provider = trace.get_tracer_provider()
    if type(provider).__name__ != "ProxyTracerProvider":
        return provider
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    resource = Resource.create()
    if str(resource.attributes["service.name"]).startswith("unknown_service"):  # nobody has named it
        resource = resource.merge(Resource({"service.name": "rowcrew"}))
    # Not at exit: there it would wait for a collector that does not answer, for as long as that takes.
    own = TracerProvider(resource=resource, shutdown_on_exit=False)
    own.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(own)
    return own


class _Spans:
    """The observer that makes the spans of each run."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def __call__(self, run: ObservedRun) -> Ending:
        began = time.time_ns()
        sent = _PROPAGATOR.extract({"traceparent": run.traceparent or ""}, otel_context.Context())
        creation = trace.get_current_span(sent).get_span_context()
        attributes = _attributes(run)
        self._tracer.start_span(
            f"wait {run.job.type}",
            context=sent,
            attributes=attributes,
            start_time=began - int(run.wait_seconds * 1e9),
        ).end(began)
        span = self._tracer.start_span(
            f"process {run.job.type}",
            context=sent,
            kind=trace.SpanKind.CONSUMER,
            attributes=attributes,
            links=[trace.Link(creation)] if creation.is_valid else None,
            start_time=began,
        )
        token = otel_context.attach(trace.set_span_in_context(span))

        def ended(end: RunEnd) -> None:
            otel_context.detach(token)
            _finish(span, end)

        return ended


def _attributes(run: ObservedRun) -> dict[str, Any]:
    job = run.job
    return {
        "messaging.system": SYSTEM,
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": job.queue,
        "messaging.message.id": str(job.id),
        "rowcrew.job.type": job.type,
        "rowcrew.job.attempt": job.attempt,
        "rowcrew.job.max_attempts": job.max_attempts,
        "rowcrew.job.wait_seconds": run.wait_seconds,
    }


def _finish(span: trace.Span, end: RunEnd) -> None:
    span.set_attribute("rowcrew.run.ended", end.how)
    if end.how in ("retried", "failed"):
        kind = type(end.error).__qualname__ if end.error is not None else "error"
        span.set_attribute("error.type", kind)
        # Not record_exception: the message and the traceback are masked as in the job's row.
        event = {
            "exception.type": kind,
            "exception.message": end.message,
            "exception.stacktrace": end.traceback,
        }
        span.add_event("exception", {name: text for name, text in event.items() if text is not None})
        span.set_status(trace.StatusCode.ERROR, end.message)
    span.end()
