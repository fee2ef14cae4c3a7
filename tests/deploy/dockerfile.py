"""Replays the first stage of a Dockerfile in a folder, for machines on which no engine runs.

In: a Dockerfile, the checkout as its context. Out: what its COPY and RUN lines leave under the folder, with
this Python in place of the image's. Paths from `/build` and `/opt` lie under the folder.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOTS = ("/build", "/opt")


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction's word and rest, over continued lines, without comments."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def stages(text: str) -> list[list[tuple[str, str]]]:
    """The instructions of each stage, its FROM first."""
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions(text):
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append((word, rest))
    return found


def replay(stage: list[tuple[str, str]], context: Path, folder: Path, environment: Mapping[str, str]) -> None:
    """Do what COPY, ENV, WORKDIR and RUN say; an instruction of another kind is refused."""
    variables, place = dict(environment), folder
    for word, rest in stage:
        match word:
            case "FROM":
                continue
            case "ENV":
                variables |= dict(entry.split("=", 1) for entry in shlex.split(rest))
            case "WORKDIR":
                place = Path(under(rest, folder))
                place.mkdir(parents=True)
            case "COPY":
                *sources, target = rest.split()
                for source in sources:
                    copy(context / source, place / target, into=target.endswith("/") or len(sources) > 1)
            case "RUN":
                subprocess.run(["sh", "-euc", under(rest, folder)], cwd=place, env=variables, check=True)
            case _:
                raise ValueError(f"cannot replay {word} {rest}")


def copy(source: Path, target: Path, *, into: bool) -> None:
    """As COPY does: the contents of a folder, a file under its name or into a folder."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        target = target / source.name if into else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def under(text: str, folder: Path) -> str:
    """The same text, its absolute paths moved under the folder."""
    return re.sub(rf"(?<![\w.])({'|'.join(ROOTS)})(?=[/\s]|$)", rf"{folder}\1", text)
