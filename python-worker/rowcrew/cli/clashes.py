"""Files of a project that stand before modules of Python itself: `queue.py`, `types.py`, `logging.py`.

In: the directories from which runners import first. Out: a sentence for each clash. `rowcrew worker` asks
before it starts, because a runner that meets one dies before it can say so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import FrozenImporter, PathFinder
from pathlib import Path


def clashes(directories: Iterable[Path]) -> Iterator[str]:
    """A sentence for each module of Python that this process has loaded, and a runner would find there."""
    loaded = [
        name
        for name in sorted(sys.stdlib_module_names & sys.modules.keys())
        if name not in sys.builtin_module_names and FrozenImporter.find_spec(name) is None
    ]
    for directory in dict.fromkeys(directories):
        for name in loaded:
            found = PathFinder.find_spec(name, [str(directory)])
            if found is not None and found.origin is not None:
                yield (
                    f"{found.origin} stands before Python's own module {name}, which runners need: rename it"
                )
