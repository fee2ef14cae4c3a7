"""Which files a source file names: imports, includes and requires of the common languages.

In: lines of a file, and the names of the files that are there. Out: what each line names, and which file that
is. Read by patterns and not by a parser for each language: what a program computes at run time is not seen.
Pure. Called by `dependency_analysis`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

# As PostgreSQL takes it, with "n" so that ^ and $ are of lines.
LINES: Final = (
    r"^[ \t]*((?:import|from|export|using|use|require|require_relative|include|mod|#[ \t]*include)\M"
    r"[^\n]{1,250}"
    r"|[^\n]{0,200}\m(?:require|import)[ \t]*\([^\n]{1,200})$"
)
_QUOTED: Final = re.compile(
    r"""(?:\bfrom|\bimport|\brequire(?:_relative)?|#\s*include|\brequire\s*\(|\bimport\s*\()\s*"""
    r"""(?:[\w*{}\s,]+?\sfrom\s*)?['"<]([^'"<>]+)['">]"""
)
_FROM: Final = re.compile(r"^\s*from\s+(\.*[\w.]*)\s+import\s+\(?\s*([\w, ]*)")
_NAMED: Final = re.compile(
    r"^\s*(?:import|using|use|include|mod)\s+(?:static\s+)?([\w.:]+(?:\s*,\s*[\w.]+)*)"
)
_SUFFIXES: Final = ("/__init__", "/index", "/mod")


def named_in(lines: Iterable[str]) -> list[str]:
    """What these lines name, as they write it, each once."""
    found: dict[str, None] = {}
    for line in lines:
        found.update(dict.fromkeys(_named(line)))
    return list(found)


def _named(line: str) -> Iterator[str]:
    quoted = _QUOTED.findall(line)
    if quoted:
        yield from quoted
    elif match := _FROM.match(line):
        module = match[1]
        names = [name for part in match[2].split(",") if (name := part.split(" as ")[0].strip())]
        separator = "" if module.endswith(".") else "."
        yield from (f"{module}{separator}{name}" for name in names) if names else (module,)
    elif match := _NAMED.match(line):
        yield from (name.strip().rstrip(":.") for name in match[1].split(","))


def resolved(named: str, importer: str, documents: Mapping[str, int]) -> int | None:
    """The document that a name in a file means: the one whose path ends with it.

    Args:
        documents: ids by name without ending, as `stem` has it.
    """
    for path in _paths(named, importer):
        for suffix in ("", *_SUFFIXES):
            wanted = path + suffix
            ending = "/" + wanted
            ids = [id for name, id in documents.items() if name == wanted or name.endswith(ending)]
            if ids:
                return min(ids)
    return None


def _paths(named: str, importer: str) -> Iterator[str]:
    """Where a file of this name may be, likely places first."""
    here = posixpath.dirname(importer)
    if named.startswith(("./", "../")):
        yield stem(posixpath.normpath(posixpath.join(here, named)))
        return
    if dots := len(named) - len(named.lstrip(".")):
        parts = [".."] * (dots - 1) + [part for part in named.split(".") if part]
        yield posixpath.normpath(posixpath.join(here, *parts))
        yield posixpath.normpath(posixpath.join(here, *parts[:-1]))
        return
    if "/" in named or re.search(r"\.(?:h|hpp|hh|inc|js|ts|rb|php)$", named):
        yield stem(posixpath.normpath(posixpath.join(here, named)))
        yield stem(posixpath.normpath(named))
        return
    parts = re.split(r"\.|::", named)
    yield "/".join(parts)
    if len(parts) > 1:
        yield "/".join(parts[:-1])


def stem(name: str) -> str:
    """A path without the ending of its file."""
    return posixpath.splitext(name)[0]
