"""What the doctor says of families: tables that are missing, and what each family finds itself.

In: a link. Out: a warning for each trouble, because a worker may serve other types. Called by
`database_checks`.
"""

from __future__ import annotations

import importlib

from rowcrew.admin.check import Check, check
from rowcrew.family import Examination, Family, installed
from rowcrew.model.errors import SettingsError
from rowcrew.model.remedy import Remedy
from rowcrew.table import operator
from rowcrew.table.link import Link


async def table_checks(link: Link) -> list[Check]:
    """A line for each family that lacks tables."""
    return [
        check(
            f"family {family.name}",
            "warning",
            f"the database has no table {', '.join(lacking)}, which jobs of this family need",
            Remedy("migrate-family", name=family.name),
        )
        for family, lacking in await _lacking(link)
        if lacking
    ]


async def examinations(link: Link) -> list[Check]:
    """What the families whose tables are there find themselves."""
    return [
        found
        for family, lacking in await _lacking(link)
        if family.doctor is not None and not lacking
        for found in await _examined(link, family, family.doctor)
    ]


async def _examined(link: Link, family: Family, doctor: str) -> list[Check]:
    module, _, name = doctor.partition(":")
    examination: Examination = getattr(importlib.import_module(module), name)
    try:
        troubles = await examination(link.fetch)
    except SettingsError:  # the check of settings has told which variable is wrong
        return []
    return [check(f"family {family.name}", "warning", one.what, one.remedy) for one in troubles]


async def _lacking(link: Link) -> list[tuple[Family, list[str]]]:
    families = installed()
    absent = set(await operator.absent_tables(link, [table for one in families for table in one.tables]))
    return [(family, [table for table in family.tables if table in absent]) for family in families]
