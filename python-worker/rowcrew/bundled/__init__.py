"""The bundled job types, a family in each folder; `crew` holds them all.

A worker that is given no other crew runs it. A family uses what any package may use, and is laid out as a
package of a user would be. `crew` is made when first asked for, so that reading a family's declaration
imports no handler.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rowcrew.crew import Crew

    crew: Crew


def __getattr__(name: str) -> Any:
    if name != "crew":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _crew()


@cache
def _crew() -> Crew:
    from rowcrew.crew import Crew
    from rowcrew.family import bundled

    crew = Crew()
    for family in bundled():
        if family.crew is not None:
            module, _, attribute = family.crew.partition(":")
            crew.include(getattr(importlib.import_module(module), attribute))
    return crew
