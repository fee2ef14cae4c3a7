"""One line of the doctor, and what the checks learn on their way.

In: what a check has seen. Out: a `Check` with its remedies as data. Made by `checks`, `database_checks` and
`deployment`; told by every face.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from rowcrew.admin.sameness import Place
from rowcrew.bundled.files.settings import FileSettings
from rowcrew.model.remedy import Remedy, advice
from rowcrew.settings import Settings
from rowcrew.table.rows import CompletedJob, Server

Result = Literal["ok", "warning", "failed", "look"]


class Check(NamedTuple):
    """One line of the doctor; `look` is for what no program can see from here."""

    name: str
    result: Result
    what: str
    remedies: tuple[Remedy, ...] = ()


class Findings(msgspec.Struct, kw_only=True):
    """What the checks have learned on their way; None where they did not get so far."""

    settings: Settings
    files: FileSettings
    place: Place | None = None
    server: Server | None = None
    schema: Check | None = None
    live_workers: int | None = None
    last_completed: CompletedJob | None = None
    producer: Check | None = None


def check(name: str, result: Result, what: str, *remedies: Remedy | str) -> Check:
    """A check; a remedy given as text reads the same at every face."""
    as_data = (advice(remedy) if isinstance(remedy, str) else remedy for remedy in remedies)
    return Check(name, result, what, tuple(as_data))
