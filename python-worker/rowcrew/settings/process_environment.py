"""The environment variables of this very process, for a runner: taken back, kept and put back.

In: the process as control started it, or as a handler left it. Out: the environment that user code should
find. Called by the runner's `surroundings`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping


def shorten_python_path(first: str) -> None:
    """Take the first place off PYTHONPATH, if it is this one."""
    found, _, rest = os.environ.get("PYTHONPATH", "").partition(os.pathsep)
    if found == first and rest:
        os.environ["PYTHONPATH"] = rest
    elif found == first:
        del os.environ["PYTHONPATH"]


class KeptEnvironment:
    """The variables as they are now, to go back to."""

    def __init__(self) -> None:
        self._mapping = os.environ
        self._kept = dict(self._encoded())

    def restore(self) -> bool:
        """Put back what has changed; whether anything had."""
        if os.environ is not self._mapping:
            os.environ = self._mapping  # noqa: B003 - the very object that stood there before
        if self._encoded() == self._kept:
            return False
        for name in os.environb.keys() - self._kept.keys():
            del os.environb[name]
        for name, value in self._kept.items():
            os.environb[name] = value
        return True

    def _encoded(self) -> Mapping[bytes, bytes]:
        """What `os.environ` keeps inside: comparing it costs a hundredth of comparing the mapping itself."""
        kept: Mapping[bytes, bytes] = vars(self._mapping)["_data"]
        return kept
