"""Schedules over HTTP: list them."""

from __future__ import annotations

from typing import Final

import msgspec

from rowcrew.admin import schedules as admin
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedSchedule
from rowcrew.web.api.operation import Answer, Given, Operation


class ScheduleList(msgspec.Struct, frozen=True):
    """The schedules by name."""

    schedules: list[ListedSchedule]


async def list_schedules(link: Link, _: Given) -> Answer:
    return Answer(ScheduleList(await admin.list_schedules(link)))


OPERATIONS: Final = (
    Operation("GET", "/schedules", "listSchedules", "List the schedules.", list_schedules, ScheduleList),
)
