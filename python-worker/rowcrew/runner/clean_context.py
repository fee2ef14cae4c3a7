"""The context variables that every run begins with: as the crew's import left them, as in any program.

In: the context of whoever asks, once. Out: a context to copy for each run. Called by the runner's loop.
"""

from __future__ import annotations

import contextvars
import decimal
from typing import Final

_DECIMAL: Final = "decimal_context"


def clean_context() -> tuple[contextvars.Context, decimal.Context | None]:
    """The context to copy, and a decimal context to copy beside it if the crew has set one up.

    A decimal context is an object that handlers change, and copies of a context share it. So no run begins
    with one: Python makes a new one where there is none. To copy one costs a tenth of a no-op run.
    """
    context = contextvars.Context()
    found: decimal.Context | None = None
    for variable, value in contextvars.copy_context().items():
        if variable.name == _DECIMAL and isinstance(value, decimal.Context):
            found = value
        else:
            context.run(variable.set, value)
    if found is None or _settings(found) == _settings(decimal.DefaultContext):
        return context, None
    return context, found.copy()


def _settings(context: decimal.Context) -> str:
    plain = context.copy()
    plain.clear_flags()
    return repr(plain)
