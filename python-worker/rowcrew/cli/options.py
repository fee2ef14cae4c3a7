"""Options that several commands share, and the settings they stand for.

In: text from the command line. Out: values, or the complaint of the setting the option stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter

from rowcrew import settings
from rowcrew.cli import UsageError
from rowcrew.model.errors import SettingsError
from rowcrew.settings import Settings
from rowcrew.settings.variables import VARIABLES

AsJson = Annotated[bool, Parameter(name="--json", help="Print JSON, with the names of the table's columns.")]
Queues = Annotated[list[str] | None, Parameter(name="--queue", help="Only this queue; repeatable.")]

_LARGEST_ID: Final = 2**63 - 1
_VARIABLES: Final = {variable.field: variable for variable in VARIABLES}


def job_id(text: str, what: str = "a job id") -> int:
    """The id of a job, or of what else there is.

    Raises:
        UsageError: none can have this id.
    """
    if not re.fullmatch(r"[0-9]{1,19}", text) or not 1 <= int(text) <= _LARGEST_ID:
        raise UsageError(f"{text!r} is not {what}; give a whole number from 1 to {_LARGEST_ID}")
    return int(text)


def read_settings(
    options: Mapping[str, tuple[str, str | None]] | None = None, *, further: Iterable[str] = ()
) -> Settings:
    """The settings of the environment; options that are given win, and are read as their variables are.

    Args:
        options: field of `Settings` and text, by the name of the option.
        further: complaints to tell along, which families have.

    Raises:
        SettingsError: lists every variable and option that could not be read.
    """
    complaints = list(further)
    values: dict[str, object] = {}
    for option, (field, text) in (options or {}).items():
        if text is not None:
            try:
                values[field] = _VARIABLES[field].read(text)
            except ValueError as error:
                complaints.append(f"{option} {text!r}: {error}")
    try:
        current = settings.read()
    except SettingsError as error:
        raise SettingsError([*error.complaints, *complaints]) from error
    if complaints:
        raise SettingsError(complaints)
    return msgspec.structs.replace(current, **values)


def refuse_beside_several(single: Mapping[str, object]) -> None:
    """Variables that are for one database, by name, are not given beside DATABASE_URLS.

    Raises:
        SettingsError: some are.
    """
    if wrong := [name for name, value in single.items() if value is not None]:
        raise SettingsError(
            [f"{name} is for one database: leave it out where DATABASE_URLS names several" for name in wrong]
        )
