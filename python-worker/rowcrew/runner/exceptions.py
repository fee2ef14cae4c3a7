"""Which of the exceptions in one is meant: groups hold several, and an error may have a cause.

In: whatever a handler raised. Out: the member that says how the run ends. Called by `invoke`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from rowcrew.context import Cancel, PermanentError, Retry, RunStopped, Snooze, Wait

_GRAVEST_FIRST: Final = (PermanentError, Cancel, Retry)
_STOPS: Final = (RunStopped, asyncio.CancelledError)
_SAYS_HOW_IT_ENDS: Final = (*_GRAVEST_FIRST, Wait, Snooze)


def meant_by(error: BaseException) -> BaseException:
    """The gravest of all members and causes: permanent, cancel, retry, any other error, wait or snooze, stop.

    Another error outranks a snooze: it failed, and a snooze would hide that for ever. `__context__` does not
    count: an error that came while another was handled is news. Where no member says how the run ends, the
    error itself is meant.
    """
    meant = min(_members(error), key=_rank, default=error)
    return meant if isinstance(meant, (*_SAYS_HOW_IT_ENDS, *_STOPS)) else error


def _members(error: BaseException) -> Iterator[BaseException]:
    left, seen = [(error, False)], set[int]()
    while left:
        one, is_cause = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, _SAYS_HOW_IT_ENDS):
            yield one
        elif isinstance(one, BaseExceptionGroup):
            left.extend((member, is_cause) for member in one.exceptions)
        elif one.__cause__ is not None:
            left.append((one.__cause__, True))
        else:
            yield error if is_cause else one  # a TimeoutError is caused by a CancelledError, and is no stop


def _rank(error: BaseException) -> int:
    for rank, kind in enumerate(_GRAVEST_FIRST):
        if isinstance(error, kind):
            return rank
    if isinstance(error, Wait | Snooze):
        return 4
    return 5 if isinstance(error, _STOPS) else 3
