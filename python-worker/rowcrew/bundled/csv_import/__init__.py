"""The family `csv_import`: brings the rows of CSV files into tables of the installation."""

from __future__ import annotations

from rowcrew.bundled.csv_import.settings import CsvImportSettings
from rowcrew.family import Family

family = Family(
    name="csv_import",
    package=__name__,
    crew="rowcrew.bundled.csv_import.handler:crew",
    settings=CsvImportSettings,
    uses=("files",),
)
