"""Errors of handlers, reported to Sentry or to any server that speaks its protocol.

In: a crew. Out: an event for every job that failed for good, with the job as tags. Payloads stay here, and so
do the variables of the frames, which hold them. Called by a crew's own module; needs the extra `sentry`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import msgspec

try:
    import sentry_sdk
    from sentry_sdk.utils import event_from_exception
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("reports to Sentry need its SDK: pip install 'rowcrew[sentry]'") from error

from rowcrew.crew import Crew
from rowcrew.model.cleaning import clean_line
from rowcrew.observers import Ending, ObservedRun, RunEnd

FLUSH_SECONDS: Final = 2.0
_MARGIN_SECONDS: Final = 0.5


def report_errors(
    crew: Crew,
    *,
    retries: bool = False,
    payloads: bool = False,
    flush_timeout: float | timedelta = FLUSH_SECONDS,
) -> None:
    """Report the errors of all runs of the runner that loads this crew.

    The SDK may have been set up before; else it is, and takes the variables `SENTRY_*`.

    Args:
        retries: also report an attempt that will be followed by another, as a warning.
        payloads: send the payload, and what variables the frames of the traceback had.
        flush_timeout: how long a runner that leaves may take to send what it has.
    """
    if not sentry_sdk.is_initialized():
        # The hook below sends what is left, within its limit: nothing remains to be done at exit. To find
        # integrations, the SDK would import every library that it knows and finds, in every runner.
        sentry_sdk.init(
            include_local_variables=payloads, shutdown_timeout=0, auto_enabling_integrations=False
        )
    seconds = flush_timeout.total_seconds() if isinstance(flush_timeout, timedelta) else flush_timeout
    crew.observe(_Reports(retries=retries, payloads=payloads))

    @crew.on_shutdown(timeout=seconds + _MARGIN_SECONDS)
    def send_reports() -> None:
        sentry_sdk.flush(timeout=seconds)


class _Reports:
    """The observer that reports how runs ended, each run in a scope of its own."""

    def __init__(self, *, retries: bool, payloads: bool) -> None:
        self._reported = ("failed", "retried") if retries else ("failed",)
        self._payloads = payloads

    def __call__(self, run: ObservedRun) -> Ending:
        isolated = sentry_sdk.isolation_scope()
        scope = isolated.__enter__()
        job = run.job
        scope.set_transaction_name(job.type)
        scope.set_tags({"job.id": str(job.id), "job.type": job.type, "job.queue": job.queue})
        facts = {"attempt": job.attempt, "max_attempts": job.max_attempts, "wait_seconds": run.wait_seconds}
        if self._payloads:
            facts["payload"] = _decoded(run.payload)
        scope.set_context("job", facts)

        def ended(end: RunEnd) -> None:
            if end.how in self._reported:
                sentry_sdk.capture_event(*_event(end, payloads=self._payloads))
            isolated.__exit__(None, None, None)

        return ended


def _decoded(payload: str) -> Any:
    """As text where it is what the job failed of, such as a number beyond all numbers."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return payload


def _event(end: RunEnd, *, payloads: bool) -> tuple[Any, Any]:
    level = "error" if end.how == "failed" else "warning"
    if end.error is None:
        return {"level": level, "message": end.message}, None
    options = {**sentry_sdk.get_client().options, "include_local_variables": payloads}
    event, hint = event_from_exception(
        end.error, client_options=options, mechanism={"type": "rowcrew", "handled": False}
    )
    for one in event["exception"]["values"]:
        one["value"] = clean_line(one.get("value") or "")
    return {**event, "level": level}, hint
