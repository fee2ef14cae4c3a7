"""The settings of announcements: where their tables are, where the files of feeds lie, and who reads them."""

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
    """Where the tables are (None = beside the jobs), where files lie, which model reads (None = rules)."""

    database_url: Secret | None = None
    attachments: str = BSE_ATTACHMENTS
    model_url: str | None = None
    model: str | None = None
    model_key: Secret | None = None

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
        Variable(
            ("ANNOUNCEMENT_MODEL_URL",),
            "model_url",
            readers.endpoint,
            "unset",
            "a language model reads filings in place of the rules: its server, such as https://api.openai.com/v1",
        ),
        Variable(
            ("ANNOUNCEMENT_MODEL",),
            "model",
            readers.text,
            "unset",
            "the model that this server is asked for; it must answer in a JSON Schema",
        ),
        Variable(
            ("ANNOUNCEMENT_MODEL_API_KEY",),
            "model_key",
            readers.Secret,
            "unset",
            "what it shows this server; a server of your own may need none",
            is_secret=True,
        ),
    )

    def disagreement(self) -> str | None:
        if (self.model_url is None) == (self.model is None):
            return None
        return "ANNOUNCEMENT_MODEL_URL, ANNOUNCEMENT_MODEL: only one of them is set; give both or neither"
