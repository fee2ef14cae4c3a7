"""Imports the crew for a runner; where that fails, says where in the user's code and what may mend it.

In: the targets from the command line. Out: the crew, or one sentence for the log of the worker.
"""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rowcrew.crew import Crew, load
from rowcrew.installed import PACKAGE
from rowcrew.model.cleaning import clean_line, describe
from rowcrew.model.errors import CrewError

MOST_FRAMES: Final = 5
_NO_TYPES: Final = (
    "it has no job types: decorate functions with @crew.job, and import their modules where the crew is made"
)
_ENVIRON: Final = ("<frozen os>", os.__file__)
_OWN_CODE: Final = str(PACKAGE) + os.sep


def loaded(targets: list[str]) -> Crew | str:
    """The crew, or why there is none."""
    try:
        crew = load(targets)
    except BaseException as error:
        return explain(error)
    return crew if crew.types else _NO_TYPES


def explain(error: BaseException) -> str:
    """What failed, in which lines of the user's code, and the remedy where it is known."""
    said = clean_line(str(error)) if isinstance(error, CrewError) else describe(error)
    frames = list(_frames(error))[-MOST_FRAMES:]
    place = f" ({', '.join(frames)})" if frames else ""
    return f"{said}{place}{_remedy(error)}"


def _frames(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith((_OWN_CODE, "<frozen ", os.__file__, importlib.__file__)):
            yield f"{_shown(frame.filename)}:{frame.lineno} in {frame.name}"


def _shown(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else filename


def _remedy(error: BaseException | None) -> str:
    """A variable that is not there may be one that the worker has, and keeps from its runners."""
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = traceback.extract_tb(error.__traceback__)
        if isinstance(error, KeyError) and frames and frames[-1].filename in _ENVIRON:
            name = clean_line(str(error.args[0]) if error.args else "")
            return (
                f"; handlers see only some environment variables: if the worker has {name}, "
                f"add it to RUNNER_ENVIRONMENT={name}"
            )
        error = error.__cause__ or error.__context__
    return ""
