"""What handlers log, in the form of the worker's own lines and with the fields of the running job.

Both structlog and the logging module come this way, so it does not matter which a handler uses.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog

from rowcrew.log import job_facts, render_json, repr_of, time_of_day
from rowcrew.model.job import Job
from rowcrew.output import Output
from rowcrew.runner import stray


def configure(
    format: str,
    *,
    worker: str,
    current_job: Callable[[], Job | None],
    stream: TextIO | None = None,
    keep: Callable[[str], None] | None = None,
) -> None:
    """Send lines of structlog and of the logging module the same way, with the running job's fields.

    Args:
        keep: takes each line as it is kept with its job, which need not say whose it is.
    """

    def add_facts(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        job = current_job()
        return _named_apart(event, {"worker": worker, **(job_facts(job) if job is not None else {})})

    destination = sys.stdout if stream is None else stream
    when = time_of_day(destination)

    def render(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
        record = {"event": "handler.log", "message": event.pop("event", ""), **event}
        if keep is not None:
            keep(_render_kept_text(record))
        return render_json(record) if format == "json" else when() + _render_handler_text(record)

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _keep_text,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        add_facts,
    ]
    output: Any = Output(destination)
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=output),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    stray.catch()


def _keep_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The line's text is `event` in structlog and `message` with us: a fact called so gets another name.

    So do `level` and `timestamp`, which structlog's own steps would write over.
    """
    for name in ("message", "level", "timestamp"):
        if name in event:
            event[f"{name}_"] = event.pop(name)
    return event


def _named_apart(event: MutableMapping[str, Any], identity: Mapping[str, Any]) -> MutableMapping[str, Any]:
    """The event with the job's identity. A fact of the handler's with such a name stays, as `type_`."""
    for name, value in identity.items():
        if name in event:
            event[f"{name}_"] = event[name]
        event[name] = value
    return event


_SYMBOLS: Final = {"warning": "⚠️  ", "error": "❌ ", "critical": "❌ "}
_QUIET: Final = {
    "event",
    "message",
    "level",
    "timestamp",
    "worker",
    "job_id",
    "type",
    "queue",
    "attempt",
    "exception",
}


def _render_handler_text(record: Mapping[str, Any]) -> str:
    symbol = _SYMBOLS.get(str(record.get("level")), "📝 ")
    place = f"[job {record['job_id']} {record['type']}] " if "job_id" in record else ""
    return f"{symbol}{place}{_said(record)}"


def _render_kept_text(record: Mapping[str, Any]) -> str:
    return f"{_SYMBOLS.get(str(record.get('level')), '')}{_said(record)}"


def _said(record: Mapping[str, Any]) -> str:
    facts = "".join(f" {name}={repr_of(value)}" for name, value in record.items() if name not in _QUIET)
    trace = f"\n{record['exception']}" if record.get("exception") else ""
    return f"{record['message']}{facts}{trace}"
