"""The settings of announcements: where their tables are, and where the files named in feeds lie."""

from __future__ import annotations

from typing import ClassVar

from rowcrew.settings import readers
from rowcrew.settings.family import FamilySettings
from rowcrew.settings.readers import Secret
from rowcrew.settings.variables import Variable

BSE_ATTACHMENTS = "https://www.bseindia.com/xml-data/corpfiling/AttachLive/"


def _address(value: str) -> Secret:
    return Secret(readers.address(value))


class AnnouncementSettings(FamilySettings, frozen=True, kw_only=True):
    """Where the tables are (None = beside the jobs), and where the files named in feeds lie."""

    database_url: Secret | None = None
    attachments: str = BSE_ATTACHMENTS

    variables: ClassVar[tuple[Variable, ...]] = (
        Variable(
            ("SUPABASE_DB_URL",),
            "database_url",
            _address,
            "DATABASE_URL",
            "the database of announcements and investors, if it is another than the one of `jobs`",
            is_secret=True,
        ),
        Variable(
            ("ANNOUNCEMENT_ATTACHMENTS",),
            "attachments",
            readers.text,
            "BSE's",
            "where the files of a feed lie: an address, or a directory below ROWCREW_DATA_DIR",
        ),
    )
