"""Catches what Python and libraries would write to standard error past the log, as records of `logging`.

In: warnings, errors in destructors and in threads. Out: records, which become lines of the log in control
(`control.main`) and in runners (`handler_log`). What C code writes to the descriptor itself, such as libpq
about the mode of a password file, cannot be caught.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from rowcrew.log import repr_of
from rowcrew.model.cleaning import clean_text

_python: Final = logging.getLogger("python")


def catch() -> None:
    """For processes that are ours alone, since these hooks belong to the whole process."""
    logging.captureWarnings(True)
    sys.unraisablehook = _unraisable
    threading.excepthook = _in_thread


def _unraisable(broken: sys.UnraisableHookArgs) -> None:
    where = f"{broken.err_msg or 'Exception ignored in'}: {repr_of(broken.object)}"
    _python.error("%s", where, exc_info=(broken.exc_type, broken.exc_value, broken.exc_traceback))  # type: ignore[arg-type]


def _in_thread(broken: threading.ExceptHookArgs) -> None:
    if broken.exc_type is not SystemExit:
        name = "a thread" if broken.thread is None else f"thread {broken.thread.name}"
        _python.error(
            "Exception in %s",
            name,
            exc_info=(broken.exc_type, broken.exc_value, broken.exc_traceback),  # type: ignore[arg-type]
        )


class Records(logging.Handler):
    """Passes records from a warning up on to `tell`: whether it is an error, and its facts."""

    def __init__(self, tell: Callable[[bool, dict[str, Any]], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell
        self._format = logging.Formatter().formatException

    def emit(self, record: logging.LogRecord) -> None:
        try:
            facts = {"library": record.name, "text": clean_text(record.getMessage().strip())}
            if record.exc_info:
                facts["traceback"] = clean_text(self._format(record.exc_info))
        except Exception:  # its arguments do not fit, or print nothing
            facts = {"library": record.name, "text": repr_of(record.msg)}
        self._tell(record.levelno >= logging.ERROR, facts)
