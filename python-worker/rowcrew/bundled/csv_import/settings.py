"""The setting of imports: which tables they may fill."""

from __future__ import annotations

from typing import ClassVar

from rowcrew.settings import readers
from rowcrew.settings.family import FamilySettings
from rowcrew.settings.variables import Variable


class CsvImportSettings(FamilySettings, frozen=True, kw_only=True):
    """Which tables imports may fill; None = all of the schema public."""

    tables: tuple[str, ...] | None = None

    variables: ClassVar[tuple[Variable, ...]] = (
        Variable(
            ("CSV_IMPORT_TABLES",),
            "tables",
            readers.words,
            "all of schema public",
            "the tables that csv_import may fill, as name or schema.name; never Rowcrew's own",
        ),
    )
